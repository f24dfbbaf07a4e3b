"""VOD and the CDN as the tests of the videos app have them."""

from tests.videos.conftest import cloud, eventful, taker_url

__all__ = ["cloud", "eventful", "taker_url"]
