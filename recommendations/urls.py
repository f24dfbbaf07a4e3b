from recommendations.views import (
    DeleteRecommendByIdView,
    GetRecommendVideoByIdView,
    GetRecommendVideosView,
    RecommendVideoView,
)
from shortvideo.console.views import operation

urlpatterns = [
    *operation("vod/getRecommendVideos", GetRecommendVideosView),
    *operation("vod/getRecommendVideoById", GetRecommendVideoByIdView),
    *operation("vod/recommendVideo", RecommendVideoView),
    *operation("vod/deleteRecommendById", DeleteRecommendByIdView),
]
