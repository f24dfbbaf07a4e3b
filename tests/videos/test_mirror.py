"""The mirror writes VOD's facts once, never older ones, and nothing if nothing changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.models import Uploader
from recommendations.models import Recommendation
from shortvideo.cloud.types import MediaPath, Mezzanine, StreamFile, TranscodeTask
from shortvideo.outbox.models import Delivery
from tests.factories import make_recommendation, make_video
from tests.videos.support import (
    NOON,
    after,
    make_facts,
    state_of,
    uploaded_by,
    verdict,
    video_of,
)
from videos import mirror
from videos.mirror import Applied, Reading
from videos.models import (
    CensorStatus,
    Decision,
    ReviewTask,
    SnapshotStatus,
    Source,
    TaskCause,
    TranscodeStatus,
    Video,
)
from videos.services import DecisionInput, delete_video, review_video

pytestmark = pytest.mark.django_db


def test_a_new_video_gets_a_row_with_its_facts_and_its_uploader() -> None:
    facts = make_facts(title="Ｎｏｏｄｌｅｓ Straße")
    assert mirror.apply(facts) == Applied(new=1)
    video = video_of(facts)
    assert (video.title, video.title_search) == ("Ｎｏｏｄｌｅｓ Straße", "noodles strasse")
    assert (video.size, video.duration, video.cate_id) == (1_000, 12.5, 7)
    assert (video.creation_time, video.read_at) == (NOON, facts.read_at)
    assert video.snapshots == ["media.example.com/1.jpg", "media.example.com/2.jpg"]
    assert video.first_frame == "media.example.com/1.jpg"
    assert video.snapshot_status == SnapshotStatus.SUCCESS
    assert video.uploader is not None
    assert (video.uploader.user_id, video.uploader.user_name) == ("u-1", "Mei")


def test_a_reading_of_the_same_facts_writes_nothing() -> None:
    facts = make_facts()
    mirror.apply(facts)
    before = state_of(video_of(facts))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert mirror.apply(replace(facts, read_at=after(90))) == Applied(unchanged=1)
    assert state_of(video_of(facts)) == before
    assert [query["sql"][:6] for query in queries] == ["SELECT"]


def test_a_reading_that_was_sent_earlier_changes_nothing() -> None:
    facts = make_facts(title="new", read=60)
    mirror.apply(facts)
    assert mirror.apply(replace(facts, title="old", read_at=after(30))) == Applied(unchanged=1)
    assert video_of(facts).title == "new"


def test_a_later_reading_updates_the_row_and_changed_at() -> None:
    facts = make_facts()
    mirror.apply(facts)
    before = video_of(facts)
    later = replace(facts, title="Rice", read_at=after(90))
    assert mirror.apply(later) == Applied(changed=1)
    video = video_of(facts)
    assert (video.title, video.title_search, video.read_at) == ("Rice", "rice", after(90))
    assert video.changed_at > before.changed_at


def test_an_unpublished_field_does_not_move_changed_at() -> None:
    facts = make_facts()
    mirror.apply(facts)
    before = video_of(facts)
    mirror.apply(replace(facts, modification_time=after(80), read_at=after(90)))
    video = video_of(facts)
    assert video.modification_time == after(80)
    assert video.changed_at == before.changed_at


def test_a_deleted_video_is_never_changed() -> None:
    facts = make_facts()
    mirror.apply(facts)
    delete_video(video_of(facts))
    before = state_of(video_of(facts))
    told = Reading(replace(facts, title="back", read_at=after(9_000)), machine=verdict("pass"))
    assert mirror.apply(told) == Applied(unchanged=1)
    assert state_of(video_of(facts)) == before


def test_an_empty_value_of_a_search_row_is_ignored() -> None:
    facts = make_facts()
    mirror.apply(facts)
    listed = make_facts(
        facts.vod_id, origin="search", read=90, cate_name="", description="",
        template_group_id=None, user_data=None, snapshots=(),
    )  # fmt: skip
    assert mirror.apply(listed) == Applied(unchanged=1)
    assert video_of(facts).cate_name == "Daily life"


def test_a_dry_run_counts_and_writes_nothing() -> None:
    known, unknown = make_facts(), make_facts(user_data=uploaded_by("u-9"))
    mirror.apply(known)
    before = state_of(video_of(known))
    told = [replace(known, title="Rice", read_at=after(90)), unknown]
    assert mirror.apply(told, dry_run=True) == Applied(new=1, changed=1)
    assert state_of(video_of(known)) == before
    assert Video.objects.count() == 1
    assert not Uploader.objects.filter(user_id="u-9").exists()


def test_many_videos_are_written_in_small_transactions(settings: Settings) -> None:
    told = [make_facts(user_data=uploaded_by(f"u-{number % 3}")) for number in range(120)]
    assert mirror.apply(told) == Applied(new=120)
    assert mirror.apply(told) == Applied(unchanged=120)
    assert Uploader.objects.count() == 3


def test_texts_longer_than_their_columns_are_cut_not_refused() -> None:
    facts = make_facts(title="长" * 600, tags="t" * 2_000)
    mirror.apply(facts)
    assert (len(video_of(facts).title), len(video_of(facts).tags)) == (512, 1024)


def test_an_uploaders_name_comes_from_the_newest_video() -> None:
    old = make_facts(creation_time=NOON, user_data=uploaded_by("u-1", "Mei"))
    new = make_facts(creation_time=after(500), user_data=uploaded_by("u-1", "Mei Lin"))
    mirror.apply([new, old])
    assert Uploader.objects.get(user_id="u-1").user_name == "Mei Lin"
    mirror.apply(replace(old, tags="changed", read_at=after(600)))
    assert Uploader.objects.get(user_id="u-1").user_name == "Mei Lin"
    mirror.apply(make_facts(creation_time=after(900), user_data=uploaded_by("u-1", "Lin Mei")))
    uploader = Uploader.objects.get(user_id="u-1")
    assert (uploader.user_name, uploader.name_search) == ("Lin Mei", "lin mei")


def test_an_avatar_that_is_not_a_web_address_is_not_stored() -> None:
    mirror.apply(make_facts(user_data=uploaded_by("u-7", "Eve", "javascript:alert(1)")))
    assert Uploader.objects.get(user_id="u-7").avatar_url == ""


@pytest.mark.parametrize(
    ("status", "group", "expected"),
    [
        ("Transcoding", "standard-template-group", TranscodeStatus.ON_TRANSCODE),
        ("TranscodeFail", "standard-template-group", TranscodeStatus.FAIL),
        ("Checking", "standard-template-group", TranscodeStatus.SUCCESS),
        ("Normal", "standard-template-group", TranscodeStatus.SUCCESS),
        ("UploadSucc", "standard-template-group", TranscodeStatus.NONE),
        ("Normal", "another-group", TranscodeStatus.NONE),
    ],
)
def test_the_standard_groups_auto_task_sets_the_transcode_status(
    status: str, group: str, expected: TranscodeStatus
) -> None:
    facts = make_facts(status=status, template_group_id=group)
    mirror.apply(facts)
    video = video_of(facts)
    assert video.transcode_status == expected
    assert video.narrow_transcode_status == TranscodeStatus.NONE


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Uploading", CensorStatus.ON_CENSOR),
        ("UploadSucc", CensorStatus.ON_CENSOR),
        ("Checking", CensorStatus.ON_CENSOR),
        ("TranscodeFail", CensorStatus.ON_CENSOR),
        ("SomethingNew", CensorStatus.ON_CENSOR),
        ("Blocked", CensorStatus.FAIL),
        ("Normal", CensorStatus.SUCCESS),
    ],
)
def test_without_a_decision_the_review_status_follows_vod(
    status: str, expected: CensorStatus
) -> None:
    facts = make_facts(status=status)
    mirror.apply(facts)
    assert video_of(facts).censor_status == expected
    changed = make_facts(status="UploadSucc")
    mirror.apply(changed)
    mirror.apply(replace(changed, status=status, read_at=after(90)))
    assert video_of(changed).censor_status == expected


def make_task(status: str, trigger: str = "Auto") -> TranscodeTask:
    return TranscodeTask("t-1", "", status, trigger, "standard-template-group")


def test_a_block_during_transcoding_does_not_end_the_job() -> None:
    facts = make_facts(status="Transcoding")
    mirror.apply(facts)
    blocked = replace(facts, status="Blocked", read_at=after(90))
    mirror.apply(blocked)
    assert video_of(facts).transcode_status == TranscodeStatus.ON_TRANSCODE
    mirror.apply(Reading(blocked, tasks=(make_task("Processing"),)))
    assert video_of(facts).transcode_status == TranscodeStatus.ON_TRANSCODE
    mirror.apply(Reading(blocked, tasks=(make_task("CompleteAllFail"),)))
    assert video_of(facts).transcode_status == TranscodeStatus.FAIL


def test_a_foreign_manual_task_does_not_set_the_transcode_status() -> None:
    facts = make_facts(status="Transcoding")
    mirror.apply(Reading(facts, tasks=(make_task("CompleteAllFail", "Manual"),)))
    assert video_of(facts).transcode_status == TranscodeStatus.ON_TRANSCODE


def test_normal_videos_are_queued_except_in_a_first_import(
    settings: Settings,
) -> None:
    settings.REVIEW_NORMAL = "queue"
    stock, fresh = make_facts(status="Normal"), make_facts(status="Normal")
    mirror.apply(stock, backlog_until=after(1))
    mirror.apply(fresh)
    assert video_of(stock).censor_status == CensorStatus.SUCCESS
    assert video_of(fresh).censor_status == CensorStatus.CHECK
    assert [task.video for task in ReviewTask.objects.open()] == [video_of(fresh)]
    mirror.apply(replace(stock, title="Rice", read_at=after(90)))
    assert video_of(stock).censor_status == CensorStatus.SUCCESS


def test_without_a_machine_an_uploaded_video_waits_for_a_person(
    settings: Settings,
) -> None:
    settings.MACHINE_REVIEW = "off"
    facts = make_facts(status="Uploading", size=0)
    mirror.apply(facts)
    assert video_of(facts).censor_status == CensorStatus.ON_CENSOR
    mirror.apply(replace(facts, status="UploadSucc", size=1_000, read_at=after(90)))
    assert video_of(facts).censor_status == CensorStatus.CHECK
    assert ReviewTask.objects.open().get().cause == TaskCause.NEW


def test_a_machine_review_is_submitted_once_for_each_source(
    settings: Settings,
) -> None:
    settings.MACHINE_REVIEW = "submit"
    facts = make_facts(status="Uploading", size=0)
    mirror.apply(facts)
    assert not Delivery.objects.filter(kind="submit_machine_review").exists()
    uploaded = replace(facts, status="UploadSucc", size=1_000, read_at=after(90))
    mirror.apply(Reading(uploaded, source_uploaded_at=after(80)))
    mirror.apply(Reading(uploaded, source_uploaded_at=after(80)))
    mirror.apply(replace(uploaded, status="Checking", read_at=after(95)))
    assert Delivery.objects.filter(kind="submit_machine_review").count() == 1


def make_passed_video() -> tuple[Video, Reading]:
    """Make a video that a person has passed; its upload time is known."""
    facts = make_facts(status="Normal")
    told = Reading(facts, source_uploaded_at=after(10))
    mirror.apply(told)
    video = video_of(facts)
    review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN, comment="fine"))
    return video_of(facts), told


def test_another_upload_under_the_same_id_needs_a_new_decision() -> None:
    video, told = make_passed_video()
    make_recommendation(video, recommended_at=after(20))
    later = replace(
        told, facts=replace(told.facts, read_at=after(200)), source_uploaded_at=after(150)
    )
    assert mirror.apply(later) == Applied(changed=1)
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.ON_CENSOR)
    assert not Recommendation.objects.published().exists()
    mirror.apply(replace(told.facts, title="other", read_at=after(300)))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.ON_CENSOR, "VOD's Normal is about the first source"


def test_a_recommendation_of_the_earlier_source_stays_ended() -> None:
    video, told = make_passed_video()
    make_recommendation(video, recommended_at=after(20))
    later = replace(
        told, facts=replace(told.facts, read_at=after(200)), source_uploaded_at=after(150)
    )
    mirror.apply(later)
    review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    assert not Recommendation.objects.published().exists()


def test_another_size_is_a_new_source() -> None:
    video, told = make_passed_video()
    mirror.apply(replace(told.facts, size=2_000, read_at=after(200)))
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.ON_CENSOR)
    mirror.apply(
        Reading(replace(told.facts, size=2_000, read_at=after(210)), source_uploaded_at=after(190))
    )
    video.refresh_from_db()
    assert video.source_version == 2, "its event is about the same upload"


def test_the_event_of_the_first_upload_is_not_a_new_source() -> None:
    facts = make_facts(read=60)
    mirror.apply(facts)
    told = Reading(replace(facts, read_at=after(70)), source_uploaded_at=after(50))
    mirror.apply(told)
    mirror.apply(told)
    assert video_of(facts).source_version == 1


def make_stream(path: str, **values: object) -> StreamFile:
    return StreamFile(
        **{"path": MediaPath(path), "definition": "SD", "height": 960, **values}  # type: ignore[arg-type]  # a mix of types
    )


def test_files_are_stored_in_one_order_and_written_once() -> None:
    facts = make_facts()
    streams = (
        make_stream("m/nb.mp4", definition="SD-NBV1", is_narrowband=True),
        make_stream("m/sd.mp4"),
    )
    mirror.apply(Reading(facts, files=streams, source=Mezzanine(MediaPath("m/source.mp4"))))
    video = video_of(facts)
    assert [file["path"] for file in video.files] == ["m/sd.mp4", "m/nb.mp4"]
    assert (video.source_path, video.files_read_at) == ("m/source.mp4", facts.read_at)
    before = state_of(video)
    again = Reading(replace(facts, read_at=after(99)), files=streams[::-1])
    assert mirror.apply(again) == Applied(unchanged=1)
    assert state_of(video) == before


def test_a_video_that_vod_no_longer_has_is_deleted_here() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    assert mirror.remove_videos([video.vod_id, "unknown"]) == 1
    video.refresh_from_db()
    assert video.deleted_at is not None
    assert video.deletions.get().state == "done"
    assert not Delivery.objects.filter(kind="delete_video").exists()
    assert mirror.remove_videos([video.vod_id]) == 0


def test_changed_at_is_the_time_of_writing() -> None:
    facts = make_facts()
    mirror.apply(facts)
    assert video_of(facts).changed_at > facts.read_at + timedelta(hours=1)
