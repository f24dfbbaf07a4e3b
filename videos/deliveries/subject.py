"""Deliveries about a video."""

from shortvideo.outbox.handlers import Handler
from videos.models import Video


class VideoHandler(Handler):
    """A handler whose subject is a video's id in VOD; any other subject has no row to lock."""

    def lock_subject(self, subject: str) -> None:
        Video.objects.select_for_update().filter(vod_id=subject).first()
