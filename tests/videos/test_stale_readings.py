"""An earlier reading never replaces newer files and pictures; paths fit their columns."""

import pytest

from shortvideo.cloud.types import MediaPath, Mezzanine, StreamFile
from tests.videos.support import make_facts, video_of
from videos import mirror
from videos.mirror import Reading
from videos.models import SnapshotStatus
from videos.models.video import MEDIA_PATH_LENGTH

pytestmark = pytest.mark.django_db


def streams(path: str) -> tuple[StreamFile, ...]:
    return (StreamFile(path=MediaPath(path), definition="SD", format="mp4"),)


def source(path: str) -> Mezzanine:
    return Mezzanine(MediaPath(path), size=1_000, width=540, height=960, bitrate=900.0)


def test_files_of_an_earlier_reading_replace_no_newer_files() -> None:
    facts = make_facts(read=100)
    mirror.apply(Reading(facts, files=streams("h/new.mp4"), source=source("h/new.mov")))
    stale = make_facts(facts.vod_id, read=50)
    mirror.apply(Reading(stale, files=streams("h/old.mp4"), source=source("h/old.mov")))
    video = video_of(facts)
    assert [file["path"] for file in video.files] == ["h/new.mp4"]
    assert video.source_path == "h/new.mov"
    assert video.files_read_at == facts.read_at


def test_files_read_before_the_newest_facts_are_ignored() -> None:
    facts = make_facts(read=100, title="later")
    mirror.apply(facts)
    mirror.apply(Reading(make_facts(facts.vod_id, read=50), files=streams("h/old.mp4")))
    assert video_of(facts).files == []


def test_failed_snapshots_of_an_earlier_reading_are_ignored() -> None:
    facts = make_facts(read=100, snapshots=())
    mirror.apply(facts)
    mirror.apply(Reading(make_facts(facts.vod_id, read=50, snapshots=()), snapshots_failed=True))
    assert video_of(facts).snapshot_status == SnapshotStatus.NONE
    mirror.apply(Reading(make_facts(facts.vod_id, read=150, snapshots=()), snapshots_failed=True))
    assert video_of(facts).snapshot_status == SnapshotStatus.FAIL


def test_paths_longer_than_their_columns_are_cut_not_refused() -> None:
    long = f"media.example.com/{'p' * 2_000}"
    facts = make_facts(cover=MediaPath(long), snapshots=(MediaPath(long),))
    mirror.apply(Reading(facts, source=source(long)))
    video = video_of(facts)
    lengths = {len(video.cover), len(video.first_frame), len(video.source_path)}
    assert lengths == {MEDIA_PATH_LENGTH}
