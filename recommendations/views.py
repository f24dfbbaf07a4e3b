"""The recommendation operations of the console API."""

from django.utils import timezone

from accounts.console import ConsoleView
from recommendations.listing import list_recommendations, published_with_videos
from recommendations.models import Recommendation, RecommendationQuerySet
from recommendations.serializers import (
    ItemListDocument,
    RecommendVideo,
    RecommendVideoParameters,
    RemoveRecommendationParameters,
    SingleItemDocument,
    listed_item,
    single_item,
)
from recommendations.services import Options, recommend_video, remove_recommendation
from shortvideo.console.envelope import Envelope
from shortvideo.console.errors import NotFound
from shortvideo.errors import ErrorCode
from videos.api.answers import walk_facts
from videos.api.parameters import ListParameters, OneVideo, VideoIdParameters
from videos.api.views import check_owner
from videos.catalogue import ListQuery, page_of
from videos.models import Video


def _get_item(vod_id: str, items: RecommendationQuerySet) -> Recommendation:
    """Return the item of a video. Raises NotFound if `items` has none."""
    item = items.filter(video__vod_id=vod_id).first()
    if item is None:
        raise NotFound("The video with this videoId is not recommended.", ErrorCode.NOT_RECOMMENDED)
    return item


class GetRecommendVideosView(ConsoleView[ListQuery]):  # GET /console/vod/getRecommendVideos
    """The recommended items that match all filters, in their order."""

    permission_required = "videos.view_video"
    parameters_class = ListParameters
    data_class = ItemListDocument

    def respond(self, query: ListQuery) -> Envelope:
        now = timezone.now()
        page = page_of(list_recommendations(query), query, id_field="video_id")
        listed = [listed_item(item, now=now) for item in page.rows]
        data = ItemListDocument(
            total=page.total,
            nowTotal=page.total,
            videoList=listed,
            **walk_facts(query, page, now),
        )
        return Envelope(data=data)


class GetRecommendVideoByIdView(ConsoleView[OneVideo]):  # GET /console/vod/getRecommendVideoById
    """One recommended item."""

    permission_required = "videos.view_video"
    parameters_class = VideoIdParameters
    data_class = SingleItemDocument

    def respond(self, query: OneVideo) -> Envelope:
        item = _get_item(query.vod_id, published_with_videos())
        data = single_item(item, self.operator, now=timezone.now())
        return Envelope("The video details are retrieved based on the video ID.", data)


class RecommendVideoView(ConsoleView[RecommendVideo]):  # POST /console/vod/recommendVideo
    """Put a passed video on the list, or change how it is displayed there."""

    http_method_names = ["post"]
    permission_required = "recommendations.recommend_video"
    parameters_class = RecommendVideoParameters

    def respond(self, query: RecommendVideo) -> Envelope:
        video = (
            Video.objects.visible().select_related("uploader").filter(vod_id=query.vod_id).first()
        )
        # Checked before existence (400 before 404), although allowed URLs depend on the video.
        overrides = query.overrides(video)
        if video is None:
            raise NotFound("There is no video with this videoId.")
        if query.user_id:
            check_owner(video, query.user_id)
        options = Options(overrides=overrides, narrowband=query.is_narrow, prefetch=query.is_cache)
        recommend_video(video, operator=self.operator, options=options, request_id=self.request_id)
        return Envelope("The video is added to the recommendation list.")


class DeleteRecommendByIdView(ConsoleView[OneVideo]):  # POST /console/vod/deleteRecommendById
    """Remove an item and its display fields from the list."""

    http_method_names = ["post"]
    permission_required = "recommendations.delete_recommendation"
    parameters_class = RemoveRecommendationParameters

    def respond(self, query: OneVideo) -> Envelope:
        # Also an item whose time is over or has not come yet.
        item = _get_item(query.vod_id, Recommendation.objects.active().select_related("video"))
        remove_recommendation(item, operator=self.operator, request_id=self.request_id)
        return Envelope("The recommendation is canceled.")
