"""Rows of several models in one query are the rows that single queries read."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shortvideo.desk.together import read_together
from shortvideo.outbox import services as outbox
from tests.factories import make_operator, make_video
from videos.models import CdnTask, MachineReview, ReviewTask, TranscodeJob, VideoDeletion

pytestmark = pytest.mark.django_db


def values_of(row: Model) -> dict[str, object]:
    deferred = row.get_deferred_fields()
    names = [field.attname for field in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in deferred}


def test_rows_read_together_have_every_value_and_type() -> None:
    video, operator = make_video(), make_operator(first_name="Zoë")
    job = {"template_group_id": "g", "streams": [{"job_id": "1", "progress": 0.5}]}
    for kind in ("standard", "narrowband"):
        TranscodeJob.objects.create(video=video, kind=kind, requested_by=operator, **job)
    CdnTask.objects.create(video=video, kind="purge", urls=["media.example.com/ä"])
    MachineReview.objects.create(video=video, source_version=1, result={"a": None}, labels=["ad"])
    late = timezone.now() - timedelta(days=1)
    ReviewTask.objects.create(video=video, cause="escalated", closed_at=late, for_operator=operator)
    sent = outbox.send("delete_video", subject=video.vod_id, payload={"deep": {"er": [1, True]}})
    VideoDeletion.objects.create(video=video, delivery=sent)
    lists: dict[str, Any] = {
        "jobs": video.transcode_jobs.select_related("requested_by"),
        "purges": video.cdn_tasks.select_related("operator"),
        "verdicts": video.machine_reviews.defer("result"),
        "tasks": video.review_tasks.select_related("for_operator", "for_role"),
        "deletions": video.deletions.select_related("delivery"),
        "nothing": video.notes.all(),
    }
    with CaptureQueriesContext(connection) as queries:
        found = read_together(**lists)
        names = [job.requested_by.first_name for job in found["jobs"]]
        payload = found["deletions"][0].delivery.payload
        assert found["tasks"][0].for_role is found["purges"][0].operator is None
    assert len([query for query in queries if " FROM " in query["sql"]]) == 1
    assert (names, payload) == (["Zoë", "Zoë"], {"deep": {"er": [1, True]}})
    assert found["tasks"][0].for_operator == operator
    for name, rows in lists.items():
        together = sorted(found[name], key=lambda row: row.pk)
        assert [*map(values_of, together)] == [*map(values_of, rows.order_by("pk"))], name
