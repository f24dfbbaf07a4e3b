from shortvideo.console.views import operation_urls
from videos.api.views import (
    CreateAuditView,
    DeleteVideoByIdView,
    GetVideoByIdView,
    GetVideosView,
    PushObjectCacheView,
    SubmitTabTranscodeView,
    SubmitTranscodeView,
)

urlpatterns = [
    *operation_urls("vod/getVideos", GetVideosView),
    *operation_urls("vod/getVideoById", GetVideoByIdView),
    *operation_urls("vod/submitTranscode", SubmitTranscodeView),
    *operation_urls("vod/submitTabTranscode", SubmitTabTranscodeView),
    *operation_urls("vod/createAudit", CreateAuditView),
    *operation_urls("vod/pushObjectCache", PushObjectCacheView),
    *operation_urls("vod/deleteVideoById", DeleteVideoByIdView),
]
