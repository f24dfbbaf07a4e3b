"""What the machine said about a source, and the decision that follows from it."""

from dataclasses import asdict
from typing import Any

from shortvideo.cloud.types import MachineJob, MachineJobStatus, MachineResult
from videos.mirror.reading import Reading
from videos.models import MachineReview, Video
from videos.services.machine_review import DECISIONS, decide_by_machine_review
from videos.services.source import is_of_earlier_source

Suggestion = MachineReview.Suggestion


def record_machine_review(video: Video, reading: Reading) -> bool:
    """Keep the machine's verdict and decide by it, unless a person has; returns what is new.

    The caller holds the video's lock and has saved it.
    """
    if reading.machine is None or not _is_about_current_source(video, reading):
        return False
    values = _field_values(reading.machine)
    if values is None or _is_known(video, values):
        return False
    if _is_outdated(video, reading, values["suggestion"]):
        return False
    review, _ = MachineReview.objects.update_or_create(
        video=video,
        source_version=video.source_version,
        defaults={**values, "received_at": reading.facts.read_at},
    )
    decide_by_machine_review(video, review)
    return True


def _is_about_current_source(video: Video, reading: Reading) -> bool:
    """Whether the machine has looked at the source that the row is about.

    A job tells when it was made, by VOD's own word. VOD's latest verdict tells nothing of the kind:
    it may be that of an earlier source, and no clip is shown for what its predecessor was.
    """
    if video.source_version == 1:
        return True
    machine = reading.machine
    made_at = machine.created_at if isinstance(machine, MachineJob) else None
    return made_at is not None and not is_of_earlier_source(video, made_at)


def _is_outdated(video: Video, reading: Reading, suggestion: str) -> bool:
    """Whether a verdict is known that was read later than this one.

    A job that failed, whenever it was made, takes no verdict about the same source back.
    """
    reviews = video.machine_reviews.filter(source_version=video.source_version)
    if suggestion == Suggestion.ERROR and reviews.exclude(suggestion=Suggestion.ERROR).exists():
        return True
    return reviews.filter(received_at__gt=reading.facts.read_at).exists()


def _field_values(machine: MachineResult | MachineJob) -> dict[str, Any] | None:
    """The fields of a MachineReview; None for a job that is not at its end."""
    if isinstance(machine, MachineResult):
        return _values_of_result(machine)
    if machine.status == MachineJobStatus.FAILED:
        return _values_of_failure(machine.job_id, machine.code, machine.message)
    if machine.status != MachineJobStatus.SUCCEEDED:
        return None
    if machine.result is None:
        return _values_of_failure(
            machine.job_id, machine.code, "The machine review named no verdict."
        )
    return _values_of_result(machine.result)


def _values_of_result(result: MachineResult) -> dict[str, Any]:
    """A suggestion that nobody knows is one for a person.

    VOD's latest verdict names no job: the one whose event made us ask may be another's.
    """
    known = result.suggestion in DECISIONS
    return {
        "suggestion": result.suggestion if known else Suggestion.REVIEW,
        "labels": [label for label in result.labels if label != "normal"],
        "hits": [asdict(hit) for hit in result.hits],
        "abnormal_modules": ",".join(result.abnormal_modules)[:255],
        "result": dict(result.raw or {}),
        "job_id": "",
        "error_code": "",
        "error_message": "",
    }


def _values_of_failure(job_id: str, code: str, message: str) -> dict[str, Any]:
    return {
        "suggestion": Suggestion.ERROR,
        "job_id": job_id,
        "error_code": code[:128],
        "error_message": message or "The machine review failed.",
    }


def _is_known(video: Video, values: dict[str, Any]) -> bool:
    """Whether the verdict about this source is known; who recorded it may have heard it twice."""
    same = [name for name in ("suggestion", "result", "error_code") if name in values]
    reviews = video.machine_reviews.filter(source_version=video.source_version)
    return any(all(getattr(review, name) == values[name] for name in same) for review in reviews)
