"""The recommended list as the console API shows it."""

from django.db.models import Q

from recommendations.models import Recommendation, RecommendationQuerySet
from shortvideo.text import folded
from videos.catalogue import ListQuery, time_range, video_conditions


def list_recommendations(query: ListQuery) -> RecommendationQuerySet:
    """Return the published items that match, in order. Compares the titles that items show."""
    items = published_with_videos().filter(
        video_conditions(query, "video__"), time_range(query, "recommended_at")
    )
    if query.title:
        title = folded(query.title)
        items = items.filter(
            Q(title_search__contains=title)
            | Q(title_search="", video__title_search__contains=title)
        )
    if query.updated_since is not None:
        since = query.updated_since
        items = items.filter(Q(changed_at__gte=since) | Q(video__changed_at__gte=since))
    return items.in_order()


def published_with_videos() -> RecommendationQuerySet:
    """Return the published items with their videos and uploaders."""
    return Recommendation.objects.published().select_related("video", "video__uploader")
