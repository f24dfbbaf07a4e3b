"""The recommended list as it is query for."""

from django.db.models import Q

from recommendations.models import Recommendation, RecommendationQuerySet
from shortvideo.text import folded
from videos.catalogue import ListQuery, time_range, video_conditions


def recommendations_asked(query: ListQuery) -> RecommendationQuerySet:
    """The published items that match, in their order; titles are compared as they are shown."""
    items = shown().filter(video_conditions(query, "video__"), time_range(query, "recommended_at"))
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


def shown() -> RecommendationQuerySet:
    """The published items with all that they show."""
    return Recommendation.objects.published().select_related("video", "video__uploader")
