"""The app is promised only what plays: the recommended list, and the published events."""

import itertools
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from recommendations.models import Recommendation
from recommendations.services import Options, recommend_video
from shortvideo.cloud import vod_gateway
from shortvideo.cloud.types import MediaFacts, MediaPath, Mezzanine, StreamFile, VodStatus
from shortvideo.errors import InvalidState
from shortvideo.outbox.worker import work_until_idle
from shortvideo.webhooks.models import Event, EventType
from tests.factories import make_file, make_video
from tests.support.localvod import LocalVod
from tests.videos.support import NOON, after, make_facts, receive_bodies, video_of
from tests.webhooks.support import make_endpoint
from videos import mirror
from videos.mirror import Reading, asking
from videos.mirror.asking import EVERYTHING, ReadRequest
from videos.models import Decision, Source, Video
from videos.services import DecisionInput, delete_video, review_video

pytestmark = pytest.mark.django_db(transaction=True)

STREAM = StreamFile(MediaPath("media.example.com/a/sd.mp4"), definition="SD", height=960)
SOURCE = Mezzanine(MediaPath("media.example.com/a/source.mp4"), status="Normal")
GONE = Mezzanine(MediaPath(""), status="Deleted")
WITHOUT_FILES: dict[str, Any] = {"files": [], "source_path": ""}


@pytest.fixture(autouse=True)
def endpoint() -> None:
    make_endpoint()


def told() -> list[str]:
    """Return the events about publication, oldest first."""
    types = (EventType.PUBLISHED, EventType.UNPUBLISHED)
    return [
        event_type.removeprefix("video.")
        for event_type in Event.objects.filter(type__in=types)
        .order_by("pk")
        .values_list("type", flat=True)
    ]


def approve(facts: MediaFacts) -> None:
    review_video(video_of(facts), DecisionInput(Decision.NORMAL, Source.API))


def read(facts: MediaFacts, seconds: float, status: str, **parts: Any) -> None:
    """Apply a later reading of the same video."""
    mirror.apply(Reading(replace(facts, read_at=after(seconds), status=status), **parts))


def is_listed(facts: MediaFacts) -> bool:
    return Recommendation.objects.published().filter(video__vod_id=facts.vod_id).exists()


def test_an_early_approval_is_published_with_its_first_file() -> None:
    facts = make_facts(status="Transcoding")
    mirror.apply(facts)
    approve(facts)
    assert told() == []
    with pytest.raises(InvalidState, match="VOD has not finished transcoding"):
        recommend_video(video_of(facts))
    read(facts, 120, "Normal", files=(STREAM,))
    assert told() == ["published"]
    assert Event.objects.get(type=EventType.PUBLISHED).data == {
        "censorStatus": "success", "previousCensorStatus": None, "isDeleted": False,
    }  # fmt: skip
    recommend_video(video_of(facts))
    assert is_listed(facts)


def test_an_approval_after_the_files_is_published_at_once() -> None:
    facts = make_facts(status="Checking")
    mirror.apply(Reading(facts, files=(STREAM,)))
    approve(facts)
    assert told() == ["published"]


def test_a_lifted_block_is_published_when_vod_has_lifted_it_too() -> None:
    facts = make_facts(status="Normal")
    mirror.apply(Reading(facts, files=(STREAM,)))
    video = video_of(facts)
    review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="violence"))
    read(facts, 120, "Blocked")
    approve(facts)
    assert told() == ["published", "unpublished"]
    with pytest.raises(InvalidState, match="the approval is on its way"):
        recommend_video(video_of(facts))
    read(facts, 180, "Normal")
    assert told() == ["published", "unpublished", "published"]
    recommend_video(video_of(facts))


def test_an_upload_that_turns_out_damaged_is_never_published() -> None:
    facts = make_facts(status="Transcoding")
    mirror.apply(facts)
    approve(facts)
    read(facts, 120, "TranscodeFail", files=())
    assert told() == []
    with pytest.raises(InvalidState, match="the upload is damaged"):
        recommend_video(video_of(facts))


def test_the_source_of_a_damaged_upload_does_not_play() -> None:
    facts = make_facts(status="Transcoding")
    mirror.apply(Reading(facts, source=SOURCE))
    approve(facts)
    recommend_video(video_of(facts))
    assert told() == ["published"]
    read(facts, 120, "TranscodeFail", source=SOURCE)
    assert told() == ["published", "unpublished"]
    assert not is_listed(facts)
    assert video_of(facts).file_to_prefetch() is None


@pytest.mark.parametrize("is_narrowband", [True, False])
def test_one_stream_of_either_kind_is_enough(*, is_narrowband: bool) -> None:
    facts = make_facts(status="Normal")
    mirror.apply(Reading(facts, files=(replace(STREAM, is_narrowband=is_narrowband),)))
    recommend_video(video_of(facts))
    assert is_listed(facts)


def test_the_place_of_a_clip_returns_with_its_files() -> None:
    facts = make_facts(status="Normal")
    mirror.apply(Reading(facts, files=(STREAM,), source=SOURCE))
    item = recommend_video(video_of(facts), options=Options({"title": "Kept"}))
    read(facts, 120, "Normal", files=())
    assert is_listed(facts), "the source still plays"
    before = video_of(facts).changed_at
    read(facts, 180, "Normal", files=(), source=GONE)
    assert not is_listed(facts)
    assert video_of(facts).changed_at > before
    assert {"kind": "play", "path": SOURCE.path} in video_of(facts).further_media
    read(facts, 240, "Normal", files=(STREAM,))
    assert Recommendation.objects.published().get().pk == item.pk
    assert told() == ["published", "unpublished", "published"]


def test_files_that_were_never_read_are_not_missing() -> None:
    facts = make_facts(status="Normal")
    mirror.apply(facts)
    recommend_video(video_of(facts))
    assert (told(), is_listed(facts)) == (["published"], True)
    before = video_of(facts).changed_at
    read(facts, 120, "Normal", files=())
    assert (told(), is_listed(facts)) == (["published", "unpublished"], False)
    assert video_of(facts).changed_at > before, "pollers must see that it is off the list"


def test_another_upload_is_published_when_it_plays_too() -> None:
    facts = make_facts(status="Normal")
    mirror.apply(Reading(facts, files=(STREAM,)))
    other = replace(facts, size=2_000)
    read(other, 120, "Transcoding")
    approve(facts)
    assert told() == ["published", "unpublished"]
    read(other, 240, "Normal", files=(STREAM,))
    assert told() == ["published", "unpublished", "published"]


def test_a_block_of_what_never_played_unpublishes_nothing() -> None:
    facts = make_facts(status="Transcoding")
    mirror.apply(facts)
    approve(facts)
    review_video(video_of(facts), DecisionInput(Decision.BLOCKED, Source.API, reason="spam"))
    assert told() == []


def test_a_deletion_of_what_never_played_unpublishes_nothing() -> None:
    delete_video(make_video(**WITHOUT_FILES))
    assert told() == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"status": "Uploading"}, "the upload is not complete"),
        ({"status": "UploadSucc"}, "VOD has not finished transcoding"),
        ({"status": "TranscodeFail"}, "uploaded again"),
        ({"status": "TranscodeFail", "source_path": "media.example.com/s.mp4"}, "uploaded again"),
        ({"status": "Normal"}, "Submit a transcoding job"),
    ],
)
def test_the_refusal_to_recommend_says_why_and_what_to_do(
    values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidState, match=sentence):
        recommend_video(make_video(**{**WITHOUT_FILES, **values}))


@pytest.mark.parametrize("status", ["", "Archived", *VodStatus])
def test_rows_and_queries_agree_on_what_plays(status: str) -> None:
    choices = itertools.product(
        ([], [make_file("media.example.com/a.mp4")]), ("", "media.example.com/s.mp4"), (None, NOON)
    )
    for files, source_path, files_read_at in choices:
        video = make_video(
            status=status, files=files, source_path=source_path, files_read_at=files_read_at,
            recommended=True,
        )  # fmt: skip
        found = Video.objects.playable().filter(pk=video.pk).exists()
        listed = Recommendation.objects.published().filter(video=video).exists()
        assert found == listed == video.is_public == (not video.is_unplayable)


# --- What VOD says about files


def test_the_first_files_are_read_with_the_status(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Normal")
    video = make_video(vod_id=vod_id, status="Transcoding", files_read_at=None, **WITHOUT_FILES)
    facts = asking.fetch_facts([vod_id])[0][vod_id]
    mirror.apply(asking.fetch_reading(facts, video, ReadRequest()))
    video.refresh_from_db()
    assert video.files
    assert told() == ["published"]


def test_vods_word_that_nothing_streams_is_believed(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Normal")
    facts = asking.fetch_facts([vod_id])[0][vod_id]
    assert asking.fetch_files(vod_gateway(), facts, None)
    fault = {"code": "InvalidVideo.NoneStream", "status": 404}
    cloud.faults({"operation": "GetPlayInfo", "kind": "error", **fault})
    assert asking.fetch_files(vod_gateway(), facts, None) == ()


def test_an_event_of_deleted_files_unpublishes_the_video(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Normal", size=1_000_000)
    video = make_video(vod_id=vod_id, source_uploaded_at=NOON, size=1_000_000)
    streams = {"code": "InvalidVideo.NoneStream", "status": 404}
    source = {"code": "InvalidFile.NotFound", "status": 404}
    cloud.faults(
        {"operation": "GetPlayInfo", "kind": "error", **streams},
        {"operation": "GetMezzanineInfo", "kind": "error", **source},
    )
    body = {
        "EventType": "DeleteMediaComplete", "EventTime": "2026-03-01T12:00:00Z",
        "Status": "success", "MediaId": vod_id, "MediaType": "video", "DeleteType": "mezzanine",
    }  # fmt: skip
    receive_bodies([body])
    work_until_idle(20, kinds=["process_event"])
    video.refresh_from_db()
    assert (video.files, video.source_path, video.source_version) == ([], "", 1)
    assert told()[-1:] == ["unpublished"]


def test_a_stream_is_stored_with_the_time_that_vod_made_it(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Normal", creation_time="2026-01-02T03:04:05Z")
    facts = asking.fetch_facts([vod_id])[0][vod_id]
    mirror.apply(asking.fetch_reading(facts, None, EVERYTHING))
    times = {file["created_at"] for file in Video.objects.get().files}
    assert {datetime.fromisoformat(time).isoformat() for time in times} == {
        "2026-01-02T03:04:05+00:00"
    }
