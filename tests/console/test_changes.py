"""The rows that the changing operations write."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommendations.models import Recommendation
from shortvideo.outbox.models import Delivery
from shortvideo.text import isolated
from tests.factories import make_file, make_operator, make_recommendation, make_video
from tests.support.console import Console
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    ReviewDecision,
    Source,
    TranscodeJob,
    Video,
    VideoDeletion,
)
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db


def test_a_block_is_recorded_and_ends_the_recommendation(console: Console) -> None:
    video = make_video(recommended=True)
    answer = console.get(
        "createAudit", mediaId=video.vod_id, status="Blocked", reason="violence", comment="0:04"
    )
    decision = ReviewDecision.objects.get()
    assert (decision.reason, decision.comment, decision.source) == ("violence", "0:04", Source.API)
    assert (decision.operator, decision.request_id) == (console.operator, answer["requestId"])
    assert decision.delivery is not None
    assert decision.delivery.kind == "create_audit"
    assert console.get("getRecommendVideos")["data"]["total"] == 0
    assert console.get("getVideoById", videoId=video.vod_id)["data"]["censorStatus"] == "fail"


def test_repeating_a_decision_adds_nothing(console: Console) -> None:
    video = make_video()
    for _ in range(2):
        answer = console.get(
            "createAudit", mediaId=video.vod_id, status="Blocked", reason="violence"
        )
        assert answer["code"] == "200"
    assert ReviewDecision.objects.count() == 1


def decide(console: Console, video: Video, status: str, **parameters: str) -> Any:
    return console.post(
        "createAudit", mediaId=video.vod_id, status=status, reason="violence", **parameters
    )


def test_a_reason_does_not_turn_the_sentence_of_a_409(console: Console) -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    turning = "one\u202e\u2069\ntwo"
    new = DecisionInput(Decision.BLOCKED, Source.VOD, auditor=turning, reason=turning)
    review_video(video, new)
    message = decide(console, video, "Normal", ifCensorStatus="check")["message"]
    assert f"Blocked by {isolated(turning)} (VOD console) on " in message
    assert message.endswith(f"Reason: {isolated(turning)}")


def test_a_decision_on_another_status_is_409_and_names_it(console: Console) -> None:
    video, colleague = make_video(censor_status=CensorStatus.CHECK), make_operator("moderator")
    new = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=colleague, reason="gore")
    blocked = review_video(video, new)
    answer = decide(console, video, "Normal", ifCensorStatus="check")
    when = f"{timezone.localtime(blocked.created_at):%Y-%m-%d %H:%M:%S %z}"
    assert (answer["code"], answer["data"]) == ("409", None)
    assert answer["message"] == (
        "The video's censorStatus is fail by now. "
        f"Blocked by {colleague} (admin) on {when}. Reason: \u2068gore\u2069"
    )
    assert ReviewDecision.objects.get() == blocked
    assert decide(console, video, "Normal", ifCensorStatus="fail")["code"] == "200"
    assert ReviewDecision.objects.count() == 2


def test_without_if_censor_status_a_decision_replaces_any(console: Console) -> None:
    video = make_video(censor_status=CensorStatus.FAIL)
    assert decide(console, video, "Normal", ifCensorStatus="")["code"] == "200"
    assert decide(console, video, "Blocked")["code"] == "200"


def test_an_unknown_if_censor_status_is_400(console: Console) -> None:
    answer = decide(console, make_video(), "Normal", ifCensorStatus="Normal")
    assert answer["code"] == "400"
    assert answer["message"] == ("ifCensorStatus must be one of onCensor, check, success, fail.")


def test_a_status_without_a_decision_is_409_and_says_so(console: Console) -> None:
    answer = decide(console, make_video(), "Blocked", ifCensorStatus="check")
    assert answer["message"] == (
        "The video's censorStatus is success by now. "
        "Nobody has decided about this file; its status is: approved."
    )
    assert not ReviewDecision.objects.exists()


def test_repeating_ones_own_decision_is_200_whatever_was_seen(console: Console) -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    for _ in range(2):
        assert decide(console, video, "Blocked", ifCensorStatus="check")["code"] == "200"
    assert ReviewDecision.objects.count() == 1
    other = Console(make_operator("moderator"))
    assert decide(other, video, "Blocked", ifCensorStatus="check")["code"] == "409"
    assert decide(console, video, "Normal", ifCensorStatus="check")["code"] == "409"


def test_an_own_decision_that_another_followed_is_not_repeated(console: Console) -> None:
    video, other = make_video(censor_status="check"), Console(make_operator("moderator"))
    decide(console, video, "Blocked", ifCensorStatus="check")
    decide(other, video, "Normal", ifCensorStatus="fail")
    assert decide(console, video, "Blocked", ifCensorStatus="check")["code"] == "409"


@pytest.mark.parametrize("reason", ["  ", "\u200b", "\u3000\n", "\u180b\u17b5\ufe0f\U000e0100"])
def test_a_block_needs_a_visible_reason(reason: str, console: Console) -> None:
    video = make_video()
    answer = console.post("createAudit", mediaId=video.vod_id, status="Blocked", reason=reason)
    assert answer["message"] == "reason is required when status is Blocked."
    assert not ReviewDecision.objects.exists()


@pytest.mark.parametrize("status", ["Blocked", "Normal"])
@pytest.mark.parametrize(
    ("reason", "is_taken"),
    [("审" * 42, True), ("审" * 43, False), ("r" * 128, True), ("r" * 129, False)],
)
def test_a_reason_is_counted_in_bytes(
    status: str, reason: str, is_taken: bool, console: Console
) -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    answer = console.get("createAudit", mediaId=video.vod_id, status=status, reason=reason)
    assert answer["code"] == ("200" if is_taken else "400")
    assert ReviewDecision.objects.exists() == is_taken
    assert Delivery.objects.exists() == is_taken
    if not is_taken:
        assert "reason must have at most 128 bytes of UTF-8" in answer["message"]


@pytest.mark.parametrize(("comment", "is_taken"), [("论" * 160, True), ("论" * 161, False)])
def test_a_comment_is_counted_in_bytes(comment: str, is_taken: bool, console: Console) -> None:
    video = make_video()
    answer = console.post("createAudit", mediaId=video.vod_id, status="Normal", comment=comment)
    assert answer["code"] == ("200" if is_taken else "400")
    assert ReviewDecision.objects.exists() == is_taken


def test_texts_are_not_trimmed(console: Console) -> None:
    video = make_video()
    console.post("createAudit", mediaId=video.vod_id, status="Blocked", reason=" a ")
    assert ReviewDecision.objects.get().reason == " a "


def test_a_transcode_is_recorded_by_kind(console: Console) -> None:
    video = make_video(transcode_status="fail")
    answer = console.get("submitTranscode", mediaId=video.vod_id)
    job = TranscodeJob.objects.get()
    assert (job.kind, job.requested_by, job.request_id) == (
        "standard",
        console.operator,
        answer["requestId"],
    )
    shown = console.get("getVideoById", videoId=video.vod_id)["data"]
    assert (shown["transcodeStatus"], shown["narrowTranscodeStatus"]) == ("onTranscode", "")


def test_a_repeated_deletion_needs_the_owners_id(console: Console) -> None:
    video = make_video()
    assert video.uploader is not None
    owner = video.uploader.user_id
    for _ in range(2):
        assert console.post("deleteVideoById", videoId=video.vod_id, userId=owner)["code"] == "200"
    assert VideoDeletion.objects.count() == 1
    assert console.post("deleteVideoById", videoId=video.vod_id, userId="x")["code"] == "409"


def test_a_video_without_uploader_is_deleted_with_an_empty_id(console: Console) -> None:
    video = make_video()
    Video.objects.filter(pk=video.pk).update(uploader=None)
    assert console.post("deleteVideoById", videoId=video.vod_id, userId="x")["code"] == "409"
    assert console.post("deleteVideoById", videoId=video.vod_id)["code"] == "400"
    assert console.post_json("deleteVideoById", videoId=video.vod_id, userId=None)["code"] == "400"
    assert console.post("deleteVideoById", videoId=video.vod_id, userId="")["code"] == "200"
    assert not Video.objects.visible().exists()


# --- Recommending -------------------------------------------------------------------------------


def test_an_override_is_shown_and_kept_until_it_is_cleared(console: Console) -> None:
    video = make_video(title="Own")
    cover = video.snapshots[0]
    changes = {"title": "Other", "coverUrl": f"https://{cover}?auth_key=1"}
    console.post("recommendVideo", videoId=video.vod_id, **changes)
    first = Recommendation.objects.get().recommended_at
    console.post("recommendVideo", videoId=video.vod_id, tags="sea", title="")
    item = console.get("getRecommendVideoById", videoId=video.vod_id)["data"]
    assert (item["title"], item["tags"]) == ("Other", "sea")
    assert item["coverUrl"] == f"http://{cover}"
    assert Recommendation.objects.get().recommended_at == first
    console.post("deleteRecommendById", videoId=video.vod_id, userId="anybody")
    console.post("recommendVideo", videoId=video.vod_id)
    item = console.get("getRecommendVideoById", videoId=video.vod_id)["data"]
    assert (item["title"], item["tags"]) == ("Own", "")


@pytest.mark.parametrize("host", ["media.example.com", "elsewhere.example.org"])
def test_an_echoed_row_overrides_nothing(host: str, console: Console, settings: Any) -> None:
    settings.MEDIA_URL_AUTH_KEY = "key"
    video = make_video(cover=f"{host}/a b/视.jpg", first_frame=f"{host}/a%20b/first.jpg")
    [row] = console.get("getVideos")["data"]["videoList"]
    texts = {name: value for name, value in row.items() if isinstance(value, str | int)}
    empty = {"duration": "", "size": "", "cateId": ""}
    owner = {"userId": row["user"]["userId"]}
    answer = console.post("recommendVideo", **{**texts, **empty, **owner}, isNarrow="false")
    assert answer["code"] == "200", answer["message"]
    item = Recommendation.objects.get(video=video)
    assert (item.title, item.description, item.tags, item.cover, item.first_frame) == ("",) * 5


def test_a_client_cannot_declare_a_video_reviewed(console: Console) -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    answer = console.post("recommendVideo", videoId=video.vod_id, censorStatus="success")
    assert answer["code"] == "409"


@pytest.mark.parametrize("name", ["coverUrl", "firstFrameUrl"])
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.org/a.jpg",
        "https://media.example.com@evil.example.org/a.jpg",
        "https://media.example.com\\@evil.example.org/a.jpg",
        "javascript:alert(1)",
        "ftp://media.example.com/a.jpg",
        "//media.example.com/a.jpg",
        "media.example.com/a.jpg",
        "https://media.example.com",
        "https://media.example.com/",
        "http://[media.example.com/a.jpg",
        "https://media.example.com/" + "a" * 1_024,
    ],
)
def test_an_overriding_url_must_be_on_a_play_domain(name: str, url: str, console: Console) -> None:
    video = make_video()
    answer = console.post("recommendVideo", videoId=video.vod_id, **{name: url})
    assert answer["code"] == "400"
    assert answer["message"].startswith(f"{name} must be an http or https URL")
    assert not Recommendation.objects.exists()


@pytest.mark.parametrize("yes", ["true", "1", "TRUE"])
def test_a_recommendation_submits_narrowband_and_prefetch(yes: str) -> None:
    console = Console(make_operator("curator"))
    video = make_video(files=[make_file("media.example.com/sd.mp4")])
    for _ in range(2):  # nothing is submitted while a job runs
        answer = console.post("recommendVideo", videoId=video.vod_id, isNarrow=yes, isCache=yes)
        assert answer["code"] == "200"
    assert TranscodeJob.objects.get().kind == "narrowband"
    task = CdnTask.objects.filter(kind="prefetch").first()
    assert task is not None
    assert task.urls == [video.first_frame, video.cover, "media.example.com/sd.mp4"]


@pytest.mark.parametrize("no", ["false", "0", ""])
def test_without_options_a_recommendation_submits_nothing(no: str, console: Console) -> None:
    console.post("recommendVideo", videoId=make_video().vod_id, isNarrow=no, isCache=no)
    assert Recommendation.objects.exists()
    assert not TranscodeJob.objects.exists()
    assert not CdnTask.objects.exists()


def test_an_item_that_is_not_on_the_list_is_404(console: Console) -> None:
    hidden = make_recommendation(make_video(censor_status=CensorStatus.FAIL)).video
    for video in (make_video(), hidden):
        for ask in (console.get, console.post):
            operation = "getRecommendVideoById" if ask == console.get else "deleteRecommendById"
            assert ask(operation, videoId=video.vod_id)["code"] == "404"


@pytest.mark.parametrize("hours", [(-2, -1), (1, 2), (None, -1), (1, None)])
def test_recommending_again_publishes_the_item_now(
    hours: tuple[int | None, int | None], console: Console
) -> None:
    start, end = [hour and timezone.now() + timedelta(hours=hour) for hour in hours]
    video = make_recommendation(starts_at=start, ends_at=end, position=3, title="May").video
    assert console.get("getRecommendVideoById", videoId=video.vod_id)["code"] == "404"
    assert console.post("recommendVideo", videoId=video.vod_id)["code"] == "200"
    shown = console.get("getRecommendVideoById", videoId=video.vod_id)["data"]
    assert shown["title"] == "May"
    assert Recommendation.objects.get().position == 3


def test_recommending_again_keeps_a_current_schedule(console: Console) -> None:
    now = timezone.now()
    item = make_recommendation(starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1))
    before = (item.starts_at, item.ends_at)
    assert console.post("recommendVideo", videoId=item.video.vod_id)["code"] == "200"
    item.refresh_from_db()
    assert (item.starts_at, item.ends_at) == before


def test_an_item_outside_its_schedule_can_be_removed(console: Console) -> None:
    item = make_recommendation(ends_at=timezone.now() - timedelta(hours=1))
    assert console.post("deleteRecommendById", videoId=item.video.vod_id)["code"] == "200"
    assert not Recommendation.objects.exists()


# --- Prefetching --------------------------------------------------------------------------------


def test_lines_become_one_task_without_schemes_and_duplicates(console: Console) -> None:
    lines = "http://media.example.com/a.mp4?x=1\r\nmedia.example.com/b.jpg\nHTTPS://MEDIA.example.com/a.mp4\n"
    answer = console.post("pushObjectCache", objectPath=lines)
    task = CdnTask.objects.get()
    assert task.urls == ["media.example.com/a.mp4", "media.example.com/b.jpg"]
    assert (task.operator, task.request_id) == (console.operator, answer["requestId"])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "objectPath is required."),
        ("\n\r\n", "objectPath must name 1 to 100 URLs; it names 0."),
        ("\n".join(f"media.example.com/{n}" for n in range(101)), "it names 101."),
        ("media.example.com/a\nevil.example.org/b", "the host of line 2 must be one of"),
        ("media.example.com/a\n\n/b", "line 3 must be host/path"),
        ("media.example.com", "line 1 must be host/path"),
        ("ftp://media.example.com/a", "line 1 must be host/path"),
        ("media.example.com/a\nmedia.example.com/" + "b" * 1_007, "line 2 must have at most 1024"),
        ("media.example.com/a\nmedia.example.com/b\rmedia.example.com/c", "line 2 must be one URL"),
        ("media.example.com/a media.example.com/b", "line 1 must be one URL"),
        ("media.example.com/a\nmedia.example.com/b\u200b", "line 2 must be one URL"),
        ("media.example.com/a\n\n\u200b", "line 3 must be one URL"),
        *((f"media.example.com/{each}", "line 1 must be one URL") for each in "\u3164\ufe0f\u180b"),
        ("media.example.com/a\n\ufeffmedia.example.com/b", "line 2 must be one URL"),
        ("\nmedia.example.com/a,media.example.com/b", "line 2 must be one URL"),
        ("a,b", "line 1 must be one URL"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_prefetched(
    lines: str, message: str, console: Console
) -> None:
    answer = console.post("pushObjectCache", objectPath=lines)
    assert answer["code"] == "400"
    assert message in answer["message"]
    assert not CdnTask.objects.exists()


def test_a_byte_order_mark_and_outer_blanks_are_ignored(console: Console) -> None:
    lines = "\ufeff  media.example.com/a\n \t\n\u3000\r\n\tmedia.example.com/b \n\n"
    assert console.post("pushObjectCache", objectPath=lines)["code"] == "200"
    assert CdnTask.objects.get().urls == ["media.example.com/a", "media.example.com/b"]


def test_the_longest_path_of_the_cdn_is_accepted(console: Console) -> None:
    path = "media.example.com/" + "b" * 1_006
    assert console.post("pushObjectCache", objectPath=path)["code"] == "200"
    assert CdnTask.objects.get().urls == [path]


def test_the_appservers_demo_host_becomes_the_first_play_domain(
    console: Console, settings: Any
) -> None:
    settings.CONSOLE_API_COMPAT = True
    console.post("pushObjectCache", objectPath="https://demo.example.org/a/b.mp4")
    assert CdnTask.objects.get().urls == ["media.example.com/a/b.mp4"]
