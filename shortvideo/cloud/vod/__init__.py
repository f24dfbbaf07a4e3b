"""VOD in our own terms: no SDK type and no SDK error leaves this package.

Each call to the cloud takes at most the gateway's deadline. The methods raise CloudUnavailable if a
retry may help, CloudRejected if it cannot, and ValueError, with nothing sent, if the caller breaks
a documented limit.
"""

from shortvideo.cloud.vod.callbacks import Callbacks
from shortvideo.cloud.vod.catalogue import Catalogue
from shortvideo.cloud.vod.files import Files
from shortvideo.cloud.vod.review import Review
from shortvideo.cloud.vod.transcoding import Transcoding


class VodGateway(Catalogue, Files, Transcoding, Review, Callbacks):
    """The part of VOD that the console uses."""
