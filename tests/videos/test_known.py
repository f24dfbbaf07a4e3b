"""Most of what VOD lists is known: it is compared without models, and costs one query a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shortvideo.cloud.types import MediaFacts, MediaPath
from tests.videos.support import NOON, after, make_facts, uploaded_by, video_of
from videos import mirror
from videos.mirror import Applied
from videos.mirror.facts import COPIED, field_values, has_changes
from videos.mirror.known import rows_for_facts, rows_for_list
from videos.models import Video
from videos.sync.page import apply_page

pytestmark = pytest.mark.django_db

OTHER: dict[str, Any] = {
    "title": "Rice", "description": "By the river", "tags": "rice", "cate_id": 8,
    "cate_name": "Food", "cover": MediaPath("media.example.com/other.jpg"), "status": "Normal",
    "audit_status": "Blocked", "size": 2_000, "duration": 13.5, "creation_time": after(1),
    "modification_time": after(6), "template_group_id": "another",
    "snapshots": (MediaPath("media.example.com/1.jpg"),),
}  # fmt: skip
EMPTY: dict[str, Any] = {
    **dict.fromkeys(COPIED, ""),
    "cate_id": 0, "size": 0, "duration": 0.0, "creation_time": None, "modification_time": None,
    "snapshots": (),
}  # fmt: skip
LONG = {"title": "长" * 600, "tags": "t" * 2_000}


def compare_slowly(video: Video, facts: MediaFacts) -> bool:
    return any(getattr(video, name) != value for name, value in field_values(facts).items())


def test_every_field_that_vod_reports_has_another_value_here() -> None:
    assert set(OTHER) == {*COPIED, "snapshots"}


@pytest.mark.parametrize("name", OTHER)
def test_each_field_changed_alone_is_noticed_and_written(name: str) -> None:
    facts = make_facts()
    mirror.apply(facts)
    told = replace(facts, read_at=after(90), **{name: OTHER[name]})
    assert has_changes(rows_for_list([facts.vod_id])[facts.vod_id], told)
    assert mirror.apply(told) == Applied(changed=1)
    assert not compare_slowly(video_of(facts), told)
    assert mirror.apply(told) == Applied(unchanged=1)


@pytest.mark.parametrize("name", ["title_search", "snapshots", "first_frame", "snapshot_status"])
def test_each_derived_field_that_differs_is_mended(name: str) -> None:
    facts = make_facts()
    mirror.apply(facts)
    Video.objects.update(**{name: [] if name == "snapshots" else "x"})
    assert mirror.apply(replace(facts, read_at=after(90))) == Applied(changed=1)
    assert not compare_slowly(video_of(facts), facts)


def test_another_uploader_alone_is_noticed_and_written() -> None:
    facts = make_facts()
    mirror.apply(facts)
    told = replace(facts, read_at=after(90), user_data=uploaded_by("u-2"))
    assert mirror.apply(told) == Applied(changed=1)
    assert rows_for_facts([facts.vod_id])[facts.vod_id].uploader__user_id == "u-2"


@hypothesis_settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    stored=st.dictionaries(st.sampled_from(sorted(OTHER)), st.sampled_from(["other", "long"])),
    told=st.dictionaries(
        st.sampled_from(sorted(OTHER)), st.sampled_from(["other", "empty", "none", "long"])
    ),
    origin=st.sampled_from(["search", "info"]),
)
def test_both_comparisons_agree(stored: dict[str, str], told: dict[str, str], origin: str) -> None:
    def values(choice: dict[str, str]) -> dict[str, Any]:
        kinds: dict[str, dict[str, Any]] = {"other": OTHER, "empty": EMPTY, "none": {}}
        kinds["long"] = {**OTHER, **LONG}
        return {name: kinds[kind].get(name) for name, kind in choice.items()}

    facts = make_facts(**values(stored))
    mirror.apply(facts)
    listed = make_facts(facts.vod_id, **{**values(stored), **values(told)}, origin=origin)
    known = rows_for_list([facts.vod_id])[facts.vod_id]
    assert has_changes(known, listed) == compare_slowly(video_of(facts), listed)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The tables that the block reads and writes, in order."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield found
    for query in queries:
        words = query["sql"].replace('"', "").split()
        if words[0] == "SELECT" and "FROM" in words:
            found.append(f"read {words[words.index('FROM') + 1]}")
        elif words[0] == "INSERT":
            found.append(f"insert {words[words.index('INTO') + 1]}")
        elif words[0] in ("UPDATE", "DELETE"):
            found.append(words[0])


def make_page(count: int = 100) -> list[MediaFacts]:
    return [make_facts(user_data=uploaded_by(f"u-{number % 9}")) for number in range(count)]


def test_a_page_of_unchanged_videos_costs_one_query() -> None:
    page = make_page()
    mirror.apply(page)
    listed = [replace(facts, origin="search", read_at=after(90), user_data=None) for facts in page]
    with statements() as found:
        assert apply_page(listed, backlog_until=None, dry_run=False) == (Applied(), 0)
    assert found == ["read videos_video"]


def test_a_page_of_new_videos_costs_one_insert() -> None:
    page = make_page()
    with statements() as found:
        counted = mirror.apply(
            page, unknown_ids={facts.vod_id for facts in page}, backlog_until=after(1)
        )
    assert counted == Applied(new=100)
    if connection.vendor == "sqlite":  # which takes few parameters, and 50 ms, at a time
        assert found.count("insert videos_video") < 20
        return
    uploaders = ["read accounts_uploader", "insert accounts_uploader", "read accounts_uploader"]
    assert found == [*uploaders, "insert videos_video"]


def test_rows_are_new_once_whatever_was_known_of_them() -> None:
    facts = make_facts()
    mirror.apply(facts)
    told = replace(facts, title="Rice", read_at=after(90))
    assert mirror.apply(told, unknown_ids={facts.vod_id}) == Applied(changed=1)
    assert Video.objects.get().title == "Rice"


def test_new_rows_share_no_list() -> None:
    page = make_page(2)
    mirror.apply([replace(facts, snapshots=()) for facts in page])
    first, second = Video.objects.order_by("pk")
    assert (first.creation_time, first.snapshots, second.further_media) == (NOON, [], [])
    assert first.first_seen_at is not None
