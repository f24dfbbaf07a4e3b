"""Deliveries that become pointless while their worker is frozen, or after it has died.

`reread_video` works like `read_video`. A deletion and a webhook are never reversed.
"""

from typing import ClassVar

from shortvideo.outbox.models import Delivery
from tests.faults.crash_cases import (
    Case,
    Events,
    EvidenceCopies,
    MachineReviews,
    Prefetches,
    Purges,
    Readings,
    TakedownProofs,
    Transcodings,
    final_audit,
)
from tests.outbox.support import work_while_due
from tests.videos.takedowns import approve, block, published, served_paths, takedown_of
from videos import periodic
from videos.mirror.fetching import read_later
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    MachineReview,
    Source,
    Takedown,
    TranscodeJob,
    TranscodeKind,
    VodEvent,
)
from videos.services import delete_video, prefetch, submit_transcode


class ReversedCase(Case):
    """A case that a person's decision makes pointless.

    Attributes:
        is_worker_dead: True if no call of the first worker can land after the reversal.
    """

    is_worker_dead = False

    def reverse(self) -> None:
        raise NotImplementedError


class ReversedTakedown(ReversedCase):
    """A step of a takedown that is under way when an operator passes the clip.

    Attributes:
        before: the steps that are done.
        late_purges: the number of a frozen worker's calls that may land after the reversal.
    """

    before: ClassVar[tuple[str, ...]] = ("create_audit",)
    late_purges: ClassVar[int] = 0

    def seed(self) -> None:
        self.videos = [published(self.vod)]
        block(self.videos[0])
        work_while_due(self.before)

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
        late_purges = 0 if self.is_worker_dead else self.late_purges
        assert self.purges() - self.purges_before <= late_purges
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


class PointlessTranscoding(ReversedCase):
    """A job whose submission is under way when its clip is blocked or deleted."""

    kind, operation = Transcodings.kind, Transcodings.operation

    def seed(self) -> None:
        submit_transcode(self.mirrored(), kind=TranscodeKind.NARROWBAND)

    def check(self) -> None:
        """VOD has at most one task, and the job has that task or has ended."""
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
        """VOD made at most one task, and may have deleted it before the job had its id."""
        [video] = self.fresh()
        assert len(self.vod.ledger(self.operation, accepted=True)) <= 1
        assert video.transcode_jobs.get().state != TranscodeJob.State.WAITING
        assert self.vod.state(video.vod_id)["deleted_at"]
        assert video.deleted_at is not None
        assert not Delivery.objects.open().exists()


class BlockedWhileAsking(ReversedCase):
    """A step towards publishing a clip that is under way when a person blocks the clip."""

    def reverse(self) -> None:
        block(self.videos[0], Source.ADMIN)

    def check(self) -> None:
        """The person's block stands here and in VOD, and its takedown is verified."""
        [video] = self.fresh()
        assert final_audit(self.vod, video) == "Blocked"
        assert (video.censor_status, video.deleted_at) == (CensorStatus.FAIL, None)
        decided = video.decisions.exclude(source=Source.VOD)
        assert [review.decision for review in decided] == [Decision.BLOCKED]
        takedown = video.takedowns.get()
        assert (takedown.state, takedown.problem) == (Takedown.State.VERIFIED, "")
        assert not Delivery.objects.open().exists()


class BlockedPrefetch(BlockedWhileAsking):
    """The prefetch is purged, or never sent.

    A prefetch that lands later fetches nothing: VOD has the block before the purge, and then its
    origin refuses the clip.
    """

    kind, operation = Prefetches.kind, Prefetches.operation

    def seed(self) -> None:
        self.videos = [published(self.vod)]
        assert prefetch(served_paths(self.videos[0]), video=self.videos[0])

    def reverse(self) -> None:
        self.calls_before = self.calls()
        super().reverse()

    def check(self) -> None:
        super().check()
        assert served_paths(self.videos[0]) == []
        assert self.calls() <= (self.calls_before if self.is_worker_dead else 1)
        periodic.check_cdn_tasks()
        task = CdnTask.objects.prefetches().get()
        assert task.state == CdnTask.State.SUPERSEDED or self.calls_before


class BlockedMachineReview(BlockedWhileAsking, MachineReviews):
    """The machine passes the clip."""

    def check(self) -> None:
        self.vod.idle()
        [video] = self.videos
        read_later(video.vod_id)
        work_while_due()
        super().check()
        verdicts = video.machine_reviews.values_list("suggestion", flat=True)
        assert list(verdicts) == [MachineReview.Suggestion.PASS]


class BlockedReading(BlockedWhileAsking, Readings):
    """An auditor in VOD's console has passed the clip."""

    def seed(self) -> None:
        self.videos = [published(self.vod)]
        self.decide(self.videos[0], "Normal")
        self.ask(self.videos[0])

    def check(self) -> None:
        """The earlier pass of VOD may be in the log or not."""
        super().check()
        [video] = self.videos
        assert served_paths(video) == []
        passes = video.decisions.filter(source=Source.VOD)
        assert [review.decision for review in passes] in ([], [Decision.NORMAL])


class BlockedEvent(BlockedReading, Events):
    def check(self) -> None:
        super().check()
        assert VodEvent.objects.get().state == VodEvent.State.DONE


REVERSALS: tuple[type[ReversedCase], ...] = (
    ReversedBeforeCopies,
    ReversedBeforePurge,
    ReversedBeforeProof,
    BlockedTranscoding,
    DeletedTranscoding,
    BlockedPrefetch,
    BlockedMachineReview,
    BlockedReading,
    BlockedEvent,
)
