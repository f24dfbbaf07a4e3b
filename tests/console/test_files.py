"""Who gets a file of a clip, by role, state and way in; and which files are signed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Operator
from recommendations.models import Recommendation
from shortvideo.cloud import vod_gateway
from shortvideo.outbox.worker import work_until_idle
from tests.factories import (
    make_file,
    make_operator,
    make_recommendation,
    make_uploader,
    make_video,
)
from tests.support.console import Console
from tests.support.localvod import LocalVod
from tests.videos.takedowns import block, published, work
from videos import periodic
from videos.models import CensorStatus, Evidence, TranscodeKind, Video
from videos.services import submit_transcode

pytestmark = pytest.mark.django_db
PLAY = "/vodVideo/getVideoById"
FILE = "sd.mp4"


@dataclass
class Way:
    """A way in to the files of one clip, for one operator."""

    console: Console
    desk: Client
    video: Video

    def listed(self) -> bool:
        [row] = self.console.get("getVideos")["data"]["videoList"]
        return self.shows(row["fileUrlList"])

    def single(self) -> bool:
        row = self.console.get("getVideoById", videoId=self.video.vod_id)["data"]
        assert row["fileUrlList"] == row["fileUrilList"]
        return self.shows(row["fileUrlList"])

    def played(self) -> bool:
        """Whether the operator may; VOD, which is not there, is asked for an unpublished one."""
        answer = self.console.get(PLAY, videoId=self.video.vod_id)
        assert answer["code"] in {"200", "403", "503"}
        return bool(answer["code"] != "403")

    def recommended(self) -> bool:
        data = self.console.get("getRecommendVideos")["data"]
        return self.shows([item["playUrl"] for item in data["videoList"]])

    def recommended_single(self) -> bool:
        item = self.console.get("getRecommendVideoById", videoId=self.video.vod_id)["data"]
        return item is not None and self.shows([*item["fileUrlList"], item["playUrl"]])

    def page(self) -> bool:
        page = self.desk.get(reverse("admin:videos_video_change", args=[self.video.pk]))
        return f"{FILE}?auth_key=" in page.content.decode()

    def evidence(self) -> bool:
        """A missing copy is 404, but only for those who may see it."""
        evidence, _ = Evidence.objects.get_or_create(video=self.video, source_version=1)
        copy = self.desk.get(reverse("admin:videos_evidence_copy", args=[evidence.pk, 0]))
        return copy.status_code == 404

    @staticmethod
    def shows(urls: list[str]) -> bool:
        return any(f"{FILE}?auth_key=" in url for url in urls)


EVERYBODY = ("viewer", "curator", "moderator", "operator", "administrator")
PLAYERS = ("moderator", "operator", "administrator")
PENDING, CHECK = CensorStatus.ON_CENSOR, CensorStatus.CHECK
PASSED, BLOCKED = CensorStatus.SUCCESS, CensorStatus.FAIL
TABLE: dict[Any, dict[CensorStatus, tuple[str, ...]]] = {
    Way.listed: {PENDING: PLAYERS, CHECK: PLAYERS, PASSED: EVERYBODY, BLOCKED: PLAYERS},
    Way.single: {PENDING: PLAYERS, CHECK: PLAYERS, PASSED: EVERYBODY, BLOCKED: PLAYERS},
    Way.played: {PENDING: PLAYERS, CHECK: PLAYERS, PASSED: EVERYBODY, BLOCKED: PLAYERS},
    Way.page: {PENDING: PLAYERS, CHECK: PLAYERS, PASSED: EVERYBODY, BLOCKED: PLAYERS},
    Way.recommended: {PENDING: (), CHECK: (), PASSED: EVERYBODY, BLOCKED: ()},
    Way.recommended_single: {PENDING: (), CHECK: (), PASSED: EVERYBODY, BLOCKED: ()},
    Way.evidence: {PENDING: PLAYERS, CHECK: PLAYERS, PASSED: PLAYERS, BLOCKED: PLAYERS},
}


def way_of(operator: Operator, video: Video) -> Way:
    desk = Client()
    desk.force_login(operator, django_settings.AUTHENTICATION_BACKENDS[-1])
    return Way(Console(operator), desk, video)


@pytest.mark.parametrize("status", CensorStatus)
@pytest.mark.parametrize("role", EVERYBODY)
def test_one_permission_opens_a_file_on_every_way(
    role: str, status: CensorStatus, settings: Settings
) -> None:
    settings.MEDIA_URL_AUTH_KEY = "key"
    way = way_of(make_operator(role), make_video(censor_status=status, recommended=True))
    opened = {name.__name__: name(way) for name in TABLE}
    assert opened == {name.__name__: role in states[status] for name, states in TABLE.items()}


def test_the_right_to_review_alone_opens_no_file(settings: Settings) -> None:
    settings.MEDIA_URL_AUTH_KEY = "key"
    reviewer = make_operator("viewer")
    reviewer.user_permissions.add(permission("review_video"))
    way = way_of(reviewer, make_video(censor_status=CHECK))
    assert not any((way.listed(), way.single(), way.played(), way.page()))


def permission(codename: str) -> Permission:
    return Permission.objects.get(content_type__app_label="videos", codename=codename)


# --- What plays


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [CHECK, BLOCKED])
def test_play_info_answers_what_opens(status: CensorStatus, cloud: LocalVod) -> None:
    """The files of a blocked clip are purged: only VOD's own URLs open them."""
    vod_gateway().add_security_ips(["127.0.0.1"], group="Default")
    video = published(cloud)
    block(video)
    work()
    if status != BLOCKED:
        cloud.audit_in_console(video.vod_id, "Normal")
        Video.objects.filter(pk=video.pk).update(censor_status=status)
    opened: dict[str, bool] = {}
    for role in EVERYBODY:
        way = way_of(make_operator(role), video)
        answer = way.console.get(PLAY, videoId=video.vod_id)
        urls = [info["playURL"] for info in answer["data"]["playInfoList"]] if way.played() else []
        opened[role] = bool(urls) and all(cloud.get(url).status_code == 200 for url in urls)
    assert opened == {role: role in PLAYERS for role in EVERYBODY}


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("Uploading", "the upload is not complete"),
        ("UploadSucc", "VOD has not finished transcoding"),
        ("Transcoding", "VOD has not finished transcoding"),
        ("TranscodeFail", "the upload is damaged"),
        ("Checking", "the approval is on its way"),
        ("Blocked", "the approval is on its way"),
    ],
)
def test_an_approved_clip_that_does_not_play_says_why(
    status: str, sentence: str, cloud: LocalVod
) -> None:
    vod_id = cloud.seed(status=status)
    make_video(vod_id=vod_id, status=status, files=[], source_path="", files_read_at=None)
    answer = Console(make_operator("viewer")).get(PLAY, videoId=vod_id)
    assert answer["code"] == "409"
    assert sentence in answer["message"]
    assert "security IPs" not in answer["message"]


@pytest.mark.parametrize(
    ("code", "status", "sentence"),
    [
        ("InvalidVideo.NoneStream", 404, "VOD has no playable file"),
        ("Forbidden.AliyunVoDEncryption", 403, "only VOD's own player"),
        ("Forbidden.IllegalStatus", 403, "security IPs of review"),
    ],
)
def test_each_refusal_of_vod_to_play_names_its_cause(
    code: str, status: int, sentence: str, cloud: LocalVod
) -> None:
    vod_id = cloud.seed(status="Checking")
    cloud.faults({"operation": "GetPlayInfo", "kind": "error", "code": code, "status": status})
    answer = Console(make_operator("moderator")).get(PLAY, videoId=vod_id)
    assert (answer["code"], sentence in answer["message"]) == ("409", True)


def test_a_clip_without_a_file_is_refused_and_not_listed(console: Console) -> None:
    video = make_video(files=[], source_path="")
    answer = console.post("recommendVideo", videoId=video.vod_id)
    assert (answer["code"], "no playable file" in answer["message"]) == ("409", True)
    make_recommendation(video)
    assert console.get("getRecommendVideos")["data"]["nowTotal"] == 0
    assert console.get("getRecommendVideoById", videoId=video.vod_id)["code"] == "404"
    assert console.get("getVideoById", videoId=video.vod_id)["data"]["isRecommend"] == "false"
    assert console.post("deleteRecommendById", videoId=video.vod_id)["code"] == "200"


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_play_info_has_the_newest_of_each_definition(order: list[int]) -> None:
    files = [
        make_file("m.example/ld-1.mp4", definition="LD", created_at="2026-01-01T00:00:00+00:00"),
        make_file("m.example/ld-2.mp4", definition="LD", created_at="2026-01-02T00:00:00+00:00"),
        make_file("m.example/sd-2.mp4", definition="SD", created_at="2026-01-02T00:00:00+00:00"),
        make_file("m.example/sd-1.mp4", definition="SD", created_at="2026-01-01T00:00:00+00:00"),
    ]
    video = make_video(files=[files[index] for index in order])
    answer = Console(make_operator("viewer")).get(PLAY, videoId=video.vod_id)
    found = {info["definition"]: info["playURL"] for info in answer["data"]["playInfoList"]}
    assert len(answer["data"]["playInfoList"]) == 2
    assert found == {"LD": "http://m.example/ld-2.mp4", "SD": "http://m.example/sd-2.mp4"}


@pytest.mark.django_db(transaction=True)
def test_a_second_transcode_replaces_what_play_info_has(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Normal", creation_time="2026-01-02T03:04:05Z")
    console = Console(make_operator("operator"))
    console.get("getVideoById", videoId=vod_id)
    work_until_idle(20)
    first = console.get(PLAY, videoId=vod_id)["data"]["playInfoList"]
    submit_transcode(Video.objects.get(), kind=TranscodeKind.STANDARD)
    work_until_idle(20)
    cloud.idle()
    periodic.check_transcodes()
    second = console.get(PLAY, videoId=vod_id)["data"]["playInfoList"]
    assert len(Video.objects.get().files) == 2 * len(first)
    assert [info["definition"] for info in second] == [info["definition"] for info in first]
    assert not {info["playURL"] for info in second} & {info["playURL"] for info in first}


# --- What is signed


def test_media_on_other_hosts_are_answered_without_signature(
    console: Console, settings: Settings
) -> None:
    settings.MEDIA_URL_AUTH_KEY = "key"
    make_video(cover="elsewhere.example.org/a.jpg")
    [row] = console.get("getVideos")["data"]["videoList"]
    assert row["coverUrl"] == "http://elsewhere.example.org/a.jpg"
    assert "?auth_key=" in row["firstFrameUrl"]


FOREIGN: dict[str, Callable[[Video], str]] = {
    "stream": lambda video: video.files[0]["path"],
    "snapshot": lambda video: video.snapshots[0],
    "encoded": lambda video: video.cover.replace("vod0", "%76od0"),
    "climbing": lambda video: f"media.example.com/x/../{video.vod_id}/cover.jpg",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_cover_or_avatar_opens_no_file_of_another_clip(
    kind: str, console: Console, settings: Settings
) -> None:
    settings.MEDIA_URL_AUTH_KEY = "key"
    path = FOREIGN[kind](make_video(censor_status=CHECK))
    thief = make_video(
        cover=path, uploader=make_uploader(avatar_url=f"https://{path}"), recommended=True
    )
    for operation in ("getVideoById", "getRecommendVideoById"):
        row = console.get(operation, videoId=thief.vod_id)["data"]
        assert (row["coverUrl"], row["user"]["avatarUrl"]) == ("", "")
    staff = Client()
    staff.force_login(make_operator("viewer"))
    Video.objects.exclude(pk=thief.pk).update(deleted_at=timezone.now())  # its own pictures
    for page in ("videos_video_changelist", "accounts_uploader_changelist"):
        text = staff.get(reverse(f"admin:{page}")).content.decode()
        assert path.rpartition("/")[2] not in text.replace(thief.first_frame, "")


def test_a_cover_in_no_clips_folder_is_signed(console: Console, settings: Settings) -> None:
    """An app keeps covers and avatars on the play domain too."""
    settings.MEDIA_URL_AUTH_KEY = "key"
    path = f"media.example.com/covers/{'0' * 32}/a.jpg"
    make_video(cover=path, uploader=make_uploader(avatar_url=f"https://{path}"))
    [row] = console.get("getVideos")["data"]["videoList"]
    for url in (row["coverUrl"], row["user"]["avatarUrl"]):
        assert url.startswith(f"http://{path}?auth_key=")


@pytest.mark.parametrize("parameter", ["coverUrl", "firstFrameUrl"])
@pytest.mark.parametrize("field", ["files", "source_path", "other"])
def test_an_override_of_another_file_is_refused(
    parameter: str, field: str, console: Console
) -> None:
    video, other = make_video(), make_video(censor_status=CHECK)
    paths = {
        "files": video.files[0]["path"], "source_path": video.source_path, "other": other.cover,
    }  # fmt: skip
    answer = console.post(
        "recommendVideo", videoId=video.vod_id, **{parameter: f"https://{paths[field]}"}
    )
    assert (answer["code"], f"{parameter} must be" in answer["message"]) == ("400", True)
    assert not Recommendation.objects.exists()


def test_an_override_takes_any_picture_of_its_own_clip(console: Console) -> None:
    earlier = "media.example.com/earlier.jpg"
    video = make_video(further_media=[{"kind": "cover", "path": earlier}])
    for path in (video.first_frame, *video.snapshots, earlier):
        answer = console.post("recommendVideo", videoId=video.vod_id, coverUrl=f"http://{path}")
        assert answer["code"] == "200", answer["message"]
        assert Recommendation.objects.get().cover == path
