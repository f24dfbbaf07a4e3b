"""VOD in our own terms: no SDK type and no SDK error leaves this package.

Every method waits for the cloud, at most for the gateway's deadline for each call that it makes,
and raises CloudUnavailable where trying again may help and CloudRejected where it cannot.
ValueError means that the caller broke a documented limit and that nothing was sent.
"""

from shortvideo.cloud.vod.callbacks import Callbacks
from shortvideo.cloud.vod.catalogue import Catalogue
from shortvideo.cloud.vod.files import Files
from shortvideo.cloud.vod.review import Review
from shortvideo.cloud.vod.transcoding import Transcoding


class VodGateway(Catalogue, Files, Transcoding, Review, Callbacks):
    """All of VOD that the console uses."""


__all__ = ["VodGateway"]
