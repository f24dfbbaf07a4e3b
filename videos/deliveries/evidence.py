"""archive_evidence: copies of what a blocked clip showed, made before the CDN forgets it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shortvideo.cloud import CloudRejected, CloudUnavailable, media_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox.handlers import Again, Done, Outcome, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.subject import VideoHandler
from videos.models import Evidence, Video
from videos.services import evidence
from videos.services.takedown import pictures_of, unique_pictures

MAX_PICTURES: Final = 60
PATIENCE: Final = 4  # attempts: a takedown does not wait for long on its evidence


@dataclass(frozen=True, slots=True)
class Copied:
    """One copy as `Evidence.files` has it, or why there is none."""

    file: dict[str, str] | None = None
    problem: str = ""


class ArchiveEvidenceHandler(VideoHandler):
    """What cannot be copied is written down as a problem: it never ends the takedown."""

    kind = "archive_evidence"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        [delivery] = batch
        video = Video.objects.get(vod_id=delivery.subject)
        version = delivery.payload["source_version"]
        if is_kept(video, version):
            return {delivery.pk: Done()}
        if video.source_version == version and not video.is_blocked:
            return {delivery.pk: Superseded("The clip is not blocked any more.")}
        try:
            return {delivery.pk: Done(copied(video, delivery))}
        except CloudUnavailable as error:
            return {delivery.pk: Again(str(error))}

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        if delivery.state != DeliveryState.DONE or "files" not in delivery.result:
            return
        evidence.keep(
            Video.objects.select_for_update().get(vod_id=delivery.subject),
            delivery.payload["source_version"],
            facts=delivery.payload["facts"],
            files=delivery.result["files"],
            problem=delivery.result["problem"],
        )


def is_kept(video: Video, version: int) -> bool:
    """Whether all of it was archived already, for an earlier block of the same source."""
    kept = Evidence.objects.kept().filter(video=video, source_version=version, problem="")
    return kept.exists()


def copied(video: Video, delivery: Delivery) -> dict[str, Any]:
    """Copy the pictures; `files` and `problem` for the delivery's result.

    Raises CloudUnavailable where the CDN does not answer and there is patience left.
    """
    pictures = pictures_to_copy(video, delivery)
    is_patient = delivery.attempts < PATIENCE
    copies = [
        copy(video, delivery.payload["source_version"], picture, is_patient=is_patient)
        for picture in pictures[:MAX_PICTURES]
    ]
    return {
        "files": [item.file for item in copies if item.file is not None],
        "problem": summary([item.problem for item in copies if item.problem], len(pictures)),
    }


def pictures_to_copy(video: Video, delivery: Delivery) -> list[dict[str, str]]:
    """What the clip showed when it was blocked, and what VOD has made of it since."""
    pictures = list(delivery.payload["pictures"])
    if video.source_version == delivery.payload["source_version"]:
        pictures += pictures_of(video)
    return unique_pictures(pictures)


def copy(video: Video, version: int, picture: dict[str, str], *, is_patient: bool) -> Copied:
    try:
        found = media_gateway().picture(MediaPath(picture["path"]))
        name = evidence.store(
            video, version, picture["kind"], found.content, extension=found.extension
        )
    except CloudUnavailable as error:
        if is_patient:
            raise
        return Copied(problem=str(error))
    except CloudRejected as error:
        return Copied(problem=str(error))
    except OSError as error:
        return Copied(problem=f"The storage of evidence refused a copy ({error.strerror}).")
    return Copied(file={**picture, "name": name})


def summary(problems: Sequence[str], count: int) -> str:
    if not count:
        return "The clip had no picture on the CDN."
    if not problems:
        return ""
    return f"{len(problems)} of {count} pictures could not be copied: {problems[0]}"
