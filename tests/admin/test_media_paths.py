"""Where the desk shows the path of a stream or source: only to those who may play the clip."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import JSONField
from django.urls import reverse

from accounts.models import Operator
from shortvideo.desk.options import DeskAdmin
from shortvideo.outbox.models import Delivery
from shortvideo.webhooks.models import Event
from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_operator, make_video
from tests.videos.takedowns import block
from videos.models import CdnTask, CensorStatus, Evidence, MachineReview, Video, VodEvent
from videos.services import PLAY_UNPUBLISHED, prefetch

pytestmark = pytest.mark.django_db

FILES = ("sd.mp4", "source.mp4")
PLAYERS = ("moderator", "operator", "administrator")
# Fields of pages that hold no path, or a path in no page.
WITHOUT_PATHS = {
    "facts", "labels", "job_ids", "streams", "task_ids", "served_counts", "counts", "examples",
    "open_files", "event_types", "machine_review", "snapshots", "files", "further_media",
}  # fmt: skip


@pytest.fixture
def video() -> Video:
    """A blocked clip whose paths are in every kind of row."""
    video = make_video(censor_status=CensorStatus.CHECK)
    play = [video.files[0]["path"], video.source_path]
    prefetch(play)  # of a person, before the block: without a video
    prefetch([*play, video.cover], video=video)
    block(video)
    VodEvent.objects.create(media_id=video.vod_id, event_type="a", body={"FileUrl": play[1]})
    Event.objects.create(subject=video.vod_id, type="video.transcoded", data={"files": play})
    evidence, _ = Evidence.objects.get_or_create(video=video, source_version=1)
    evidence.files = [{"kind": "play", "path": play[0], "name": "a.jpg"}]
    evidence.save()
    MachineReview.objects.create(
        video=video,
        source_version=1,
        hits=[{"label": "a", "score": 90, "module": "", "timestamp_ms": 0, "picture": play[0]}],
        result={"url": play[1]},
    )
    Delivery.objects.update(result={"closed": play})
    return video


def shows_path(page: str, video: Video) -> bool:
    return any(f"{video.vod_id}/{name}" in page for name in FILES)


def pages_with_paths(desk: Desk, video: Video) -> set[str]:
    """The pages of the desk, lists and rows, that show a path of the clip."""
    return {name for name, page in _pages(desk) if shows_path(page, video)}


def _pages(desk: Desk) -> Iterator[tuple[str, str]]:
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        urls = [reverse(f"admin:{name}_changelist")]
        for row in model._default_manager.all():
            urls += [
                reverse(f"admin:{name}_{each}", args=[row.pk]) for each in ("change", "history")
            ]
        for url in urls:
            answer = desk.client.get(url)
            assert answer.status_code in (200, 302, 403), url
            yield f"{name} {url}", answer.content.decode()


def reader() -> Operator:
    """May see every page, but play nothing that is not published."""
    operator = make_operator("")
    views = Permission.objects.filter(codename__startswith="view_")
    operator.user_permissions.set(views)
    return operator


@pytest.mark.parametrize("role", ["viewer", "curator", "reader", *PLAYERS])
def test_paths_of_a_blocked_clip_are_for_those_who_may_play_it(
    role: str, desk_of: DeskOf, video: Video
) -> None:
    desk = desk_of("viewer")
    operator = reader() if role == "reader" else make_operator(role)
    desk.client.force_login(operator, "accounts.backends.OperatorBackend")
    assert operator.has_perm(PLAY_UNPUBLISHED) == (role in PLAYERS)
    assert bool(pages_with_paths(desk, video)) == (role in PLAYERS)


@pytest.mark.parametrize("status", CensorStatus)
def test_paths_of_a_prefetch_follow_the_state_of_the_clips(
    status: CensorStatus, desk_of: DeskOf
) -> None:
    video, other = make_video(censor_status=status), make_video()
    task = prefetch([video.source_path, other.source_path])
    assert task is not None
    page = desk_of("curator").page("videos_cdntask_change", task.pk)
    assert shows_path(page, video) == shows_path(page, other) == (status == CensorStatus.SUCCESS)


def test_a_path_in_no_clips_folder_is_for_those_who_may_play_all(desk_of: DeskOf) -> None:
    task = CdnTask.objects.create(kind="prefetch", urls=["media.example.com/sv/a.mp4"])
    assert "sv/a.mp4" not in desk_of("curator").page("videos_cdntask_change", task.pk)
    assert "sv/a.mp4" in desk_of("moderator").page("videos_cdntask_change", task.pk)


def test_each_json_field_of_a_page_says_whether_it_holds_paths() -> None:
    for model, each in admin.site._registry.items():
        assert isinstance(each, DeskAdmin)
        named = {field.name for field in model._meta.get_fields() if isinstance(field, JSONField)}
        shown = named if each.fields is None else named & set(each.fields)
        assert shown - set(each.media_fields) <= WITHOUT_PATHS, model
