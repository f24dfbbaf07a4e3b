"""Requests to the CDN, and how its answers are read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shortvideo.cloud.cdn import CdnGateway
from shortvideo.cloud.errors import CloudUnavailable
from shortvideo.cloud.types import CdnTaskStatus, MediaPath
from tests.cloud.liar import Liar, answer

PATHS = [MediaPath("media.example.com/a.mp4"), MediaPath("media.example.com/b.jpg")]
TASK: dict[str, Any] = {
    "TaskId": "17",
    "ObjectPath": "http://media.example.com/a.mp4",
    "ObjectType": "preload",
    "Status": "Refreshing",
    "Process": "42%",
    "CreationTime": "2026-03-01T08:00:00Z",
    "Description": "",
}


def test_a_prefetch_names_one_file_per_line(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(answer({"PushTaskId": "17,18"}))
    assert cdn.prefetch(PATHS) == ("17", "18")
    asked = liar.requests[0].parameters
    assert asked["ObjectPath"] == "media.example.com/a.mp4\nmedia.example.com/b.jpg"


def test_a_purge_returns_its_tasks(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(answer({"RefreshTaskId": "19"}))
    assert cdn.purge(PATHS) == ("19",)
    assert liar.actions == ["RefreshObjectCaches"]


def test_an_answer_without_a_task_is_not_understood(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(answer({}))
    with pytest.raises(CloudUnavailable, match="PushTaskId is missing"):
        cdn.prefetch(PATHS)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "0 URLs were given; one call takes 1 to 100"),
        (["m.example/a"] * 101, "101 URLs were given"),
        ([""], "is not a host/path"),
        (["m.example/a\nm.example/b"], "is not a host/path"),
        (["m.example/" + "a" * 1024], "is not a host/path of 1 to 1024 characters"),
    ],
)
def test_paths_that_the_cdn_would_refuse_are_not_sent(
    cdn: CdnGateway, liar: Liar, paths: list[MediaPath], message: str
) -> None:
    for call in (cdn.prefetch, cdn.purge):
        with pytest.raises(ValueError, match=message):
            call(paths)
    assert liar.requests == []


def test_the_progress_of_a_task_is_a_number(cdn: CdnGateway, liar: Liar) -> None:
    done = {**TASK, "Status": "Complete", "Process": 100}
    liar.says(answer({"Tasks": {"CDNTask": [TASK, done]}}))
    running, complete = cdn.tasks("17")
    assert liar.requests[0].parameters["TaskId"] == "17"
    assert (running.path, running.kind) == ("media.example.com/a.mp4", "preload")
    assert (running.status, running.progress) == (CdnTaskStatus.REFRESHING, 42)
    assert (complete.status, complete.progress) == (CdnTaskStatus.COMPLETE, 100)
    assert running.created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_a_task_of_many_files_is_read_to_its_last_page(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(
        answer({"Tasks": {"CDNTask": [TASK] * 100}}), answer({"Tasks": {"CDNTask": [TASK] * 5}})
    )
    assert len(cdn.tasks("17")) == 105


def test_a_task_that_the_cdn_has_forgotten_is_empty(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(answer({"TotalCount": 0, "Tasks": {"CDNTask": []}}))
    assert cdn.tasks("17") == ()


def test_quotas_as_text_are_numbers(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(
        answer(
            {
                "PreloadQuota": "1000",
                "PreloadRemain": "998",
                "UrlQuota": 10000,
                "UrlRemain": 9999,
                "DirQuota": "100",
                "DirRemain": "100",
            }
        )
    )
    quota = cdn.quota()
    assert (quota.prefetch_quota, quota.prefetch_remaining) == (1000, 998)
    assert (quota.purge_quota, quota.purge_remaining) == (10000, 9999)


def test_an_answer_without_quotas_is_not_a_quota_of_zero(cdn: CdnGateway, liar: Liar) -> None:
    liar.says(answer({}))
    with pytest.raises(CloudUnavailable, match="PreloadQuota is missing"):
        cdn.quota()
