"""The machine's verdict about a source, and the decision that follows from it."""

from dataclasses import asdict
from typing import Any

from shortvideo.cloud.types import MachineJob, MachineJobStatus, MachineResult
from videos.mirror.reading import Reading
from videos.models import MachineReview, Video
from videos.services import archive_hits
from videos.services.evidence import hit_pictures
from videos.services.machine_review import DECISIONS, decide_by_machine_review
from videos.services.source import is_of_earlier_source
from videos.services.threshold import all_thresholds, apply_thresholds

Suggestion = MachineReview.Suggestion


def record_machine_review(video: Video, reading: Reading) -> bool:
    """Record the machine's verdict, and decide by it unless a person has decided.

    The caller holds the video's lock and has saved it. Returns whether the verdict is news.
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
    if hit_pictures(video):
        archive_hits(video)  # before the decision: the archive of a block replaces it
    decide_by_machine_review(video, review)
    return True


def _is_about_current_source(video: Video, reading: Reading) -> bool:
    """Whether the verdict is about the row's source.

    VOD says when a job was made. It does not for its latest verdict, which may be about an earlier
    source: that must not make the present source public.
    """
    if video.source_version == 1:
        return True
    machine = reading.machine
    made_at = machine.created_at if isinstance(machine, MachineJob) else None
    return made_at is not None and not is_of_earlier_source(video, made_at)


def _is_outdated(video: Video, reading: Reading, suggestion: str) -> bool:
    """Whether a verdict about the source from a later reading is known.

    A failed job, of whatever time, does not replace a verdict about the same source.
    """
    reviews = video.machine_reviews.filter(source_version=video.source_version)
    if suggestion == Suggestion.ERROR and reviews.exclude(suggestion=Suggestion.ERROR).exists():
        return True
    return reviews.filter(received_at__gt=reading.facts.read_at).exists()


def _field_values(machine: MachineResult | MachineJob) -> dict[str, Any] | None:
    """Return the fields of a MachineReview; None for a job that has not ended."""
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
    """An unknown suggestion becomes `review`.

    `job_id` stays empty: VOD's latest verdict names no job, and may not be the event's.
    """
    known = result.suggestion in DECISIONS
    suggestion = Suggestion(result.suggestion) if known else Suggestion.REVIEW
    labels = [label for label in result.labels if label != "normal"]
    hits = [asdict(hit) for hit in result.hits]
    return {
        "suggestion": apply_thresholds(suggestion, labels, hits, all_thresholds()),
        "vod_suggestion": suggestion,
        "labels": labels,
        "hits": hits,
        "abnormal_modules": ",".join(result.abnormal_modules)[:255],
        "result": dict(result.raw or {}),
        "job_id": "",
        "error_code": "",
        "error_message": "",
    }


def _values_of_failure(job_id: str, code: str, message: str) -> dict[str, Any]:
    return {
        "suggestion": Suggestion.ERROR,
        "vod_suggestion": Suggestion.ERROR,
        "job_id": job_id,
        "error_code": code[:128],
        "error_message": message or "The machine review failed.",
    }


def _is_known(video: Video, values: dict[str, Any]) -> bool:
    """Whether VOD's verdict about the source is recorded already, whatever the thresholds now."""
    names = [name for name in ("result", "error_code") if name in values]
    reviews = video.machine_reviews.filter(source_version=video.source_version)
    return any(
        (review.vod_suggestion or review.suggestion) == values["vod_suggestion"]
        and all(getattr(review, name) == values[name] for name in names)
        for review in reviews
    )
