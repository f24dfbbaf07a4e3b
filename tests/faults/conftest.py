"""The fixtures of VOD and the CDN, shared with the tests of the videos app."""

from tests.videos.conftest import cloud, eventful, taker_url

__all__ = ["cloud", "eventful", "taker_url"]
