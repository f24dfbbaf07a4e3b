"""The list of videos as the console API shows it."""

from django.db.models import Exists, OuterRef

from recommendations.models import Recommendation
from videos.catalogue import ListQuery, filter_videos
from videos.models import VideoQuerySet


def list_videos(query: ListQuery) -> VideoQuerySet:
    """Return the visible videos that match, newest first, with `uploader` and `is_recommended`."""
    published = Recommendation.objects.published().filter(video=OuterRef("pk"))
    videos = filter_videos(query).select_related("uploader")
    return videos.annotate(is_recommended=Exists(published))
