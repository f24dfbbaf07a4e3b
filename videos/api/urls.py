from shortvideo.console.views import operation
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
    *operation("vod/getVideos", GetVideosView),
    *operation("vod/getVideoById", GetVideoByIdView),
    *operation("vod/submitTranscode", SubmitTranscodeView),
    *operation("vod/submitTabTranscode", SubmitTabTranscodeView),
    *operation("vod/createAudit", CreateAuditView),
    *operation("vod/pushObjectCache", PushObjectCacheView),
    *operation("vod/deleteVideoById", DeleteVideoByIdView),
]
