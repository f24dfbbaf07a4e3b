"""How an operation gets its URL."""

from django.urls import URLPattern, path
from rest_framework.views import APIView


def operation(route: str, view: type[APIView]) -> list[URLPattern]:
    """Serve `route` with and without a trailing slash alike."""
    callback = view.as_view()
    return [path(route, callback, name=route.rpartition("/")[2]), path(f"{route}/", callback)]
