from django.contrib.admin import site
from django.urls import path

from videos.admin.reviewing import calls
from videos.admin.reviewing.page import review_page

app_name = "review"
urlpatterns = [
    path("", site.admin_view(review_page), name="page"),
    path("clips/", calls.clips, name="clips"),
    path("play/", calls.play, name="play"),
    path("beat/", calls.beat, name="beat"),
    path("news/", calls.news, name="news"),
    path("session/", calls.session, name="session"),
    path("decide/", calls.decide, name="decide"),
    path("skip/", calls.skip, name="skip"),
    path("undo/", calls.undo, name="undo"),
    path("past/", calls.past, name="past"),
    path("note/", calls.note, name="note"),
    path("escalate/", calls.escalate, name="escalate"),
    path("remember/", calls.remember, name="remember"),
    path("leave/", calls.leave, name="leave"),
]
