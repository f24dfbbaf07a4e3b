"""/console/...: every operation, their documentation, and 404 for every other path."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from shortvideo.console.views import UnknownOperationView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("videos.api.urls")),
    path("", include("recommendations.urls")),
    path("", include("accounts.urls")),
    re_path("", UnknownOperationView.as_view()),
]
