"""All URLs of the project."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from shortvideo.console.views import UnknownOperationView, operation_urls
from videos.admin.review_ips import review_ips_page
from videos.admin.reviewing.preferences import preferences_page
from videos.api.views import PlayVideoView

handler400 = "shortvideo.door.bad_request"
handler500 = "shortvideo.door.server_error"
urlpatterns: list[URLPattern | URLResolver] = [  # the paths of programs first: they ask most
    path("console/", include("shortvideo.console.urls")),
    path("console", UnknownOperationView.as_view()),
    *operation_urls("vodVideo/getVideoById", PlayVideoView),
    path("vodcallback/", include("videos.events.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/review/", include("videos.admin.reviewing.urls")),
    path("admin/review-ips/", admin.site.admin_view(review_ips_page), name="review_ips"),
    path("admin/preferences/", admin.site.admin_view(preferences_page), name="preferences"),
    path("admin/language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
