"""For each kind of delivery: rows to send, and a check that they had one effect.

A new kind needs a subclass of `Case` here: `test_every_kind_has_its_case`.
"""

from typing import Any, ClassVar

from django.db import transaction

from shortvideo.cloud import vod_gateway
from shortvideo.outbox import services as outbox
from tests.factories import make_video
from tests.outbox.support import work_while_due
from tests.support.localvod import LocalVod
from tests.support.receiver import Receiver
from tests.videos.support import receive_bodies
from tests.videos.takedowns import block, published, served_paths, takedown_of
from tests.webhooks.support import emit_event, make_endpoint
from videos import periodic
from videos.mirror.fetching import read_later
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    Source,
    Takedown,
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
    VideoDeletion,
    VodEvent,
)
from videos.services import (
    DecisionInput,
    delete_video,
    evidence,
    prefetch,
    review_video,
    submit_transcode,
)

ROWS = 2  # of a batch: a crash may leave one of them settled
CLOUD_CALL = "shortvideo.cloud.client:Service._call"


class Case:
    """One kind of delivery.

    Attributes:
        kind: its name.
        operation: the operation of VOD or the CDN.
        call: the function that makes the call, as `package.module:Class.function`.
        is_late_call_seen: whether `calls` counts a repeated call.
    """

    kind: ClassVar[str]
    operation: ClassVar[str] = ""
    call: ClassVar[str] = CLOUD_CALL
    is_late_call_seen: ClassVar[bool] = True

    def __init__(self, vod: LocalVod) -> None:
        self.vod = vod
        self.videos: list[Video] = []

    def seed(self) -> None:
        """Write deliveries of the kind through the services."""
        raise NotImplementedError

    def calls(self) -> int:
        """The number of calls of the operation that have arrived."""
        return len(self.vod.ledger(self.operation))

    def meanwhile(self) -> None:
        """Change the cloud while a worker is frozen, before another takes over."""

    def check(self) -> None:
        """Assert that each row had its effect once."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop what `seed` has started."""

    def mirrored(self, *, status: str = "Checking", **values: Any) -> Video:
        """A video that VOD has too, without media on the CDN."""
        media = {"cover": "", "first_frame": "", "source_path": "", "snapshots": [], "files": []}
        vod_id = self.vod.seed(status=status, files=False, cover=False, snapshots=0)
        video = make_video(vod_id=vod_id, **{"status": status, **media, **values})
        self.videos.append(video)
        return video

    def fresh(self) -> list[Video]:
        for video in self.videos:
            video.refresh_from_db()
        return self.videos


class Decisions(Case):
    kind, operation = "create_audit", "CreateAudit"

    def seed(self) -> None:
        for decision in (Decision.BLOCKED, Decision.NORMAL):
            video = self.mirrored(censor_status=CensorStatus.CHECK)
            review_video(video, DecisionInput(decision, Source.API, reason="seen"))

    def check(self) -> None:
        statuses = [video.censor_status for video in self.fresh()]
        assert statuses == [CensorStatus.FAIL, CensorStatus.SUCCESS]
        assert [final_audit(self.vod, video) for video in self.videos] == ["Blocked", "Normal"]
        assert [video.decisions.count() for video in self.videos] == [1, 1]


class Transcodings(Case):
    kind, operation = "submit_transcode", "SubmitTranscodeJobs"

    def seed(self) -> None:
        for _ in range(ROWS):
            submit_transcode(self.mirrored(), kind=TranscodeKind.NARROWBAND)

    def check(self) -> None:
        for video in self.fresh():
            tasks = self.vod.ledger(self.operation, video_id=video.vod_id, accepted=True)
            job = video.transcode_jobs.get()
            assert [task["effect"]["task_id"] for task in tasks] == [job.task_id]
            assert tasks[0]["effect"]["job_ids"] == job.job_ids
            assert job.state == TranscodeJob.State.SUBMITTED
            assert video.narrow_transcode_status == TranscodeStatus.ON_TRANSCODE


class Deletions(Case):
    kind, operation = "delete_video", "DeleteVideo"

    def seed(self) -> None:
        for _ in range(ROWS):
            delete_video(self.mirrored())

    def check(self) -> None:
        for video in self.fresh():
            assert self.vod.state(video.vod_id)["deleted_at"]
            assert video.deleted_at is not None
            assert video.deletions.get().state == VideoDeletion.State.DONE


class Prefetches(Case):
    kind, operation = "push_object_cache", "PushObjectCache"

    def seed(self) -> None:
        for _ in range(ROWS):
            video = self.mirrored(status="Normal")
            assert prefetch([_picture_of(self.vod, video)], video=video)

    def check(self) -> None:
        # A repeated prefetch does no harm. Each must be known here by the id of the CDN.
        assert 1 <= len(self.vod.ledger(self.operation, accepted=True)) <= 1 + ROWS
        periodic.check_cdn_tasks()
        states = CdnTask.objects.values_list("state", "progress", "error_message")
        assert list(states) == [(CdnTask.State.SUCCESS, 100, "")] * ROWS


class Purges(Case):
    kind, operation = "purge", "RefreshObjectCaches"

    def seed(self) -> None:
        for _ in range(ROWS):
            video = self.mirrored(status="Blocked", censor_status=CensorStatus.FAIL)
            with transaction.atomic():
                CdnTask.objects.create(
                    kind=CdnTask.Kind.PURGE,
                    urls=[_picture_of(self.vod, video)],
                    video=video,
                    delivery=outbox.send("purge", subject=video.vod_id),
                )

    def check(self) -> None:
        periodic.check_cdn_tasks()
        states = CdnTask.objects.filter(kind=CdnTask.Kind.PURGE).values_list("state", flat=True)
        assert list(states) == [CdnTask.State.SUCCESS] * ROWS
        for video in self.videos:
            assert self.vod.get(f"http://{_picture_of(self.vod, video)}").status_code == 403


class MachineReviews(Case):
    kind, operation = "submit_machine_review", "SubmitAIMediaAuditJob"

    def seed(self) -> None:
        video = self.mirrored(censor_status=CensorStatus.ON_CENSOR)
        with transaction.atomic():
            outbox.send(self.kind, subject=video.vod_id)

    def check(self) -> None:
        """Two verdicts about one source make one decision."""
        self.vod.idle()
        [video] = self.videos
        read_later(video.vod_id)
        work_while_due()
        decision = video.decisions.get()
        assert (decision.source, decision.decision) == (Source.MACHINE, Decision.NORMAL)
        assert final_audit(self.vod, video) == "Normal"


class Readings(Case):
    """An older reading must not overwrite a newer one."""

    kind, operation = "read_video", "GetVideoInfos"

    def seed(self) -> None:
        for _ in range(ROWS):
            video = self.mirrored()
            self.decide(video, "Blocked")
            self.ask(video)

    def ask(self, video: Video) -> None:
        read_later(video.vod_id)

    def decide(self, video: Video, status: str) -> None:
        self.vod.audit_in_console(video.vod_id, status, "seen")

    def meanwhile(self) -> None:
        for video in self.videos:
            self.decide(video, "Normal")
            vod_gateway().update_info(video.vod_id, title=f"Newer {video.vod_id}")

    def check(self) -> None:
        for video in self.fresh():
            said = self.vod.state(video.vod_id)
            assert (video.title, video.status) == (said["video"]["title"], said["video"]["status"])
            decided = video.decisions.order_by("id").values_list("decision", flat=True)
            assert list(decided) == [audit["status"] for audit in said["audits"]]
            assert video.censor_status == Decision(said["audits"][-1]["status"]).censor_status


class LaterReadings(Readings):
    """A reading that had to wait, overtaken by one that had not."""

    kind, operation = "reread_video", "GetVideoInfos"

    def ask(self, video: Video) -> None:
        with transaction.atomic():
            outbox.send("reread_video", subject=video.vod_id)

    def meanwhile(self) -> None:
        super().meanwhile()
        for video in self.videos:
            read_later(video.vod_id)


class Events(Readings):
    kind, operation = "process_event", "GetVideoInfos"

    def ask(self, video: Video) -> None:
        receive_bodies([{"EventType": "CreateAuditComplete", "MediaId": video.vod_id}])

    def check(self) -> None:
        super().check()
        assert set(VodEvent.objects.values_list("state", flat=True)) == {VodEvent.State.DONE}


class Webhooks(Case):
    kind, call = "webhook", "shortvideo.webhooks.deliveries:post"

    def seed(self) -> None:
        self.backend = Receiver().__enter__()
        make_endpoint(self.backend)
        self.events = [emit_event(f"v{number % ROWS}", n=number) for number in range(2 * ROWS)]

    def calls(self) -> int:
        return len(self.backend.received)

    def check(self) -> None:
        """Each arrives at least once, those of a video in order: the backend drops repeats."""
        told = {item.body["id"]: item.body for item in self.backend.received}
        assert told == {str(event.uid): event.as_json() for event in self.events}
        for video in {event.subject for event in self.events}:
            taken = [body["sequence"] for body in told.values() if body["videoId"] == video]
            assert taken == sorted(taken)

    def close(self) -> None:
        self.backend.__exit__()


class EvidenceCopies(Case):
    kind, call = "archive_evidence", "videos.deliveries.evidence:_copy_all"
    is_late_call_seen = False  # the same copies under the same names

    def seed(self) -> None:
        self.videos = [published(self.vod)]
        block(self.videos[0])
        work_while_due(["create_audit"])

    def calls(self) -> int:
        return len(self.copies())

    def copies(self) -> set[str]:
        """The names of all stored copies."""
        [video] = self.videos
        folder = f"{video.vod_id}/{video.source_version}"
        if not evidence.storage().exists(folder):
            return set()
        return {f"{folder}/{name}" for name in evidence.storage().listdir(folder)[1]}

    def check(self) -> None:
        [video] = self.fresh()
        kept = video.evidence.get()
        assert kept.problem == ""
        assert {file["name"] for file in kept.files} == self.copies()
        assert {file["path"] for file in kept.files} == {video.cover, *video.snapshots}
        assert takedown_of(video).state == Takedown.State.VERIFIED


class TakedownProofs(Case):
    kind, operation = "verify_takedown", "GetVideoInfos"

    def seed(self) -> None:
        self.videos = [published(self.vod) for _ in range(ROWS)]
        self.readings = len(self.vod.ledger(self.operation))
        for video in self.videos:
            block(video)
        work_while_due(["create_audit", "archive_evidence", "purge"])

    def calls(self) -> int:
        return len(self.vod.ledger(self.operation)) - self.readings

    def check(self) -> None:
        for video in self.videos:
            takedown = takedown_of(video)
            assert (takedown.state, takedown.problem) == (Takedown.State.VERIFIED, "")
            assert video.takedowns.count() == 1
            assert served_paths(video) == []


CASES: tuple[type[Case], ...] = (
    Decisions,
    Transcodings,
    Deletions,
    Prefetches,
    Purges,
    MachineReviews,
    Readings,
    LaterReadings,
    Events,
    EvidenceCopies,
    TakedownProofs,
    Webhooks,
)


def final_audit(vod: LocalVod, video: Video) -> str:
    """The audit status that VOD has after its last decision."""
    status: str = vod.state(video.vod_id)["video"]["audit_status"]
    return status


def _picture_of(vod: LocalVod, video: Video) -> str:
    return f"{vod.endpoint}/{video.vod_id}/snapshots/seeded/normalsnapshot-00001.jpg"
