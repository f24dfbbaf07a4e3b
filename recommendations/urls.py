from recommendations.views import (
    DeleteRecommendByIdView,
    GetRecommendVideoByIdView,
    GetRecommendVideosView,
    RecommendVideoView,
)
from shortvideo.console.views import operation_urls

urlpatterns = [
    *operation_urls("vod/getRecommendVideos", GetRecommendVideosView),
    *operation_urls("vod/getRecommendVideoById", GetRecommendVideoByIdView),
    *operation_urls("vod/recommendVideo", RecommendVideoView),
    *operation_urls("vod/deleteRecommendById", DeleteRecommendByIdView),
]
