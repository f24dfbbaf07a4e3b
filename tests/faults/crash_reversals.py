"""Deliveries whose reason ends while their worker is frozen."""

from typing import ClassVar

from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_until_idle
from tests.faults.crash_cases import (
    WORK_SECONDS,
    Case,
    EvidenceCopies,
    Purges,
    TakedownProofs,
    Transcodings,
    final_audit,
)
from tests.videos.takedowns import approve, block, published, takedown_of
from videos.models import CensorStatus, Takedown, TranscodeJob, TranscodeKind
from videos.services import delete_video, submit_transcode


class ReversedTakedown(Case):
    """A step of a takedown that is under way while an operator passes the clip.

    Attributes:
        before: the steps that were done.
        late_purges: how many calls of a frozen worker may land after the reversal.
    """

    before: ClassVar[tuple[str, ...]] = ("create_audit",)
    late_purges: ClassVar[int] = 0

    def seed(self) -> None:
        self.videos = [published(self.vod)]
        block(self.videos[0])
        work_until_idle(WORK_SECONDS, kinds=self.before)

    def purges(self) -> int:
        return len(self.vod.ledger("RefreshObjectCaches"))

    def reverse(self) -> None:
        self.purges_before = self.purges()
        approve(self.videos[0])

    def check(self) -> None:
        [video] = self.fresh()
        assert final_audit(self.vod, video) == "Normal"
        assert (video.censor_status, video.deleted_at) == (CensorStatus.SUCCESS, None)
        assert takedown_of(video).state == Takedown.State.REVERSED
        assert self.purges() - self.purges_before <= self.late_purges
        assert not Delivery.objects.open().exists()


class ReversedBeforeCopies(ReversedTakedown):
    kind, call = EvidenceCopies.kind, EvidenceCopies.call


class ReversedBeforePurge(ReversedTakedown):
    kind, operation = Purges.kind, Purges.operation
    before = (*ReversedTakedown.before, "archive_evidence")
    late_purges = 1


class ReversedBeforeProof(ReversedTakedown):
    kind, operation = TakedownProofs.kind, TakedownProofs.operation
    before = (*ReversedBeforePurge.before, "purge")


class PointlessTranscoding(Case):
    """A job that is being submitted while its clip is blocked or deleted."""

    kind, operation = Transcodings.kind, Transcodings.operation

    def seed(self) -> None:
        submit_transcode(self.mirrored(), kind=TranscodeKind.NARROWBAND)

    def check(self) -> None:
        """VOD has at most one task, and the job is that task's or has ended."""
        [video] = self.fresh()
        job = video.transcode_jobs.get()
        accepted = self.vod.ledger(self.operation, video_id=video.vod_id, accepted=True)
        known = [job.task_id] if job.task_id else []
        assert [call["effect"]["task_id"] for call in accepted] == known
        assert known or job.state in {TranscodeJob.State.REFUSED, TranscodeJob.State.FAIL}
        assert not Delivery.objects.open().exists()


class BlockedTranscoding(PointlessTranscoding):
    def reverse(self) -> None:
        block(self.videos[0])

    def check(self) -> None:
        super().check()
        [video] = self.videos
        assert final_audit(self.vod, video) == "Blocked"
        assert video.censor_status == CensorStatus.FAIL


class DeletedTranscoding(PointlessTranscoding):
    def reverse(self) -> None:
        delete_video(self.videos[0])

    def check(self) -> None:
        """At most one task was made; VOD, which deleted it too, need not tell us of it."""
        [video] = self.fresh()
        assert len(self.vod.ledger(self.operation, accepted=True)) <= 1
        assert video.transcode_jobs.get().state != TranscodeJob.State.WAITING
        assert self.vod.state(video.vod_id)["deleted_at"]
        assert video.deleted_at is not None
        assert not Delivery.objects.open().exists()


REVERSALS: tuple[type[ReversedTakedown] | type[BlockedTranscoding] | type[DeletedTranscoding], ...]
REVERSALS = (
    ReversedBeforeCopies,
    ReversedBeforePurge,
    ReversedBeforeProof,
    BlockedTranscoding,
    DeletedTranscoding,
)
