"""Reading: what VOD said about one video at one time; the mirror writes it."""

from dataclasses import dataclass
from datetime import datetime

from shortvideo.cloud import CloudRejected
from shortvideo.cloud.types import (
    AuditEntry,
    MachineJob,
    MachineResult,
    MediaFacts,
    MediaPath,
    Mezzanine,
    StreamFile,
    TranscodeTask,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The facts of one video, and the answers to a ReadRequest; None means not asked or refused.

    Attributes:
        files: the streams that transcoding made.
        pictures: pictures of the latest snapshot jobs; there may be others.
        source: the uploaded file; its path is empty if VOD does not let it play.
        snapshots_failed: an event reported that no snapshots could be taken.
        machine: the machine's latest verdict, or the requested job with or without a verdict.
        audits: VOD's history of decisions, newest first.
        is_sending: the caller is about to send the decision that stands here.
        tasks: transcoding tasks with their jobs.
        lost_task_ids: tasks of our jobs that VOD does not have.
        refusals: why requested parts are missing.
        source_uploaded_at: when the uploaded file was made, according to VOD.
        upload_reported_at: end of the upload according to an unsigned callback (untrusted).
    """

    facts: MediaFacts
    files: tuple[StreamFile, ...] | None = None
    pictures: tuple[MediaPath, ...] | None = None
    source: Mezzanine | None = None
    snapshots_failed: bool = False
    machine: MachineResult | MachineJob | None = None
    audits: tuple[AuditEntry, ...] | None = None
    is_sending: bool = False
    tasks: tuple[TranscodeTask, ...] = ()
    lost_task_ids: tuple[str, ...] = ()
    source_uploaded_at: datetime | None = None
    upload_reported_at: datetime | None = None
    refusals: tuple[CloudRejected, ...] = ()

    @property
    def is_bare(self) -> bool:
        """Whether the reading has the facts only: then equal facts mean that nothing changed."""
        return self == Reading(self.facts)


@dataclass(frozen=True, slots=True)
class Applied:
    """Counts of new, changed and unchanged videos."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Applied") -> "Applied":
        return Applied(
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )
