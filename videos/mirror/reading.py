"""What one look at VOD brought: the typed value that the mirror writes."""

from dataclasses import dataclass
from datetime import datetime

from shortvideo.cloud import CloudRejected
from shortvideo.cloud.types import (
    AuditEntry,
    MachineJob,
    MachineResult,
    MediaFacts,
    Mezzanine,
    StreamFile,
    TranscodeTask,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The facts of one video, and what was asked beside them; None was not asked.

    Attributes:
        files: the streams that transcoding made.
        source: the uploaded file; its path is empty where VOD does not let it play.
        snapshots_failed: VOD told that taking snapshots failed.
        machine: the machine's latest verdict, with a job since when it is so where one was named,
            or the job that came to none.
        audits: VOD's history of decisions, newest first.
        is_sending: whoever asked is about to send the decision that stands here.
        tasks: transcoding tasks with their jobs.
        lost_task_ids: tasks of our jobs that VOD does not have (any more).
        refusals: why something that was asked for is missing.
        source_uploaded_at: when the uploaded file was made, as VOD says.
        upload_reported_at: when an event said that an upload was complete; nobody need believe it.
    """

    facts: MediaFacts
    files: tuple[StreamFile, ...] | None = None
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
        """Whether it holds the facts alone: then equal facts mean that there is nothing to do."""
        return self == Reading(self.facts)


@dataclass(frozen=True, slots=True)
class Applied:
    """How many videos were new, changed, or as they were."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Applied") -> "Applied":
        return Applied(
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )
