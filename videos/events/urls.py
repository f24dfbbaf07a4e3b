"""The callback URL that is configured in VOD."""

from django.urls import path

from videos.events.views import receive_callback

urlpatterns = [path("callback", receive_callback, name="vod-callback")]
