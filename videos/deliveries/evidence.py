"""archive_evidence: copies of what a blocked clip showed, made before the CDN forgets it."""

from collections.abc import Mapping, Sequence
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
MAX_FAILED: Final = 3  # copies that time might mend, at the last attempt; no more are tried then


class ArchiveEvidenceHandler(VideoHandler):
    """What cannot be copied is written down as a problem: it never ends the takedown."""

    kind = "archive_evidence"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        [delivery] = batch
        video = Video.objects.get(vod_id=delivery.subject)
        version = delivery.payload["source_version"]
        if _is_kept(video, version):
            return {delivery.pk: Done()}
        if video.source_version == version and not video.is_blocked:
            return {delivery.pk: Superseded("The clip is not blocked any more.")}
        try:
            return {delivery.pk: Done(_copy_all(video, delivery))}
        except (CloudUnavailable, evidence.StorageRefused) as error:
            return {delivery.pk: Again(str(error))}

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        if delivery.state != DeliveryState.DONE or "files" not in delivery.result:
            return
        evidence.keep_evidence(
            Video.objects.select_for_update().get(vod_id=delivery.subject),
            delivery.payload["source_version"],
            facts=delivery.payload["facts"],
            files=delivery.result["files"],
            problem=delivery.result["problem"],
        )


def _is_kept(video: Video, version: int) -> bool:
    """Whether all of it was archived already, for an earlier block of the same source."""
    kept = Evidence.objects.kept().filter(video=video, source_version=version, problem="")
    return kept.exists()


def _copy_all(video: Video, delivery: Delivery) -> dict[str, Any]:
    """Copy the pictures; `files` and `problem` for the delivery's result.

    Raises CloudUnavailable, StorageRefused where time might mend it and there is patience left.
    """
    pictures = _pictures_to_copy(video, delivery)
    files: list[dict[str, str]] = []
    problems: list[str] = []
    failed_count = 0
    for picture in pictures[:MAX_PICTURES]:
        try:
            files.append(_copy_one(video, delivery.payload["source_version"], picture))
        except CloudRejected as error:
            problems.append(str(error))
        except (CloudUnavailable, evidence.StorageRefused) as error:
            if delivery.attempts < PATIENCE:
                raise
            problems.append(str(error))
            failed_count += 1
            if failed_count == MAX_FAILED:  # each waits for its deadline, and the purge behind it
                break
    missing_count = min(len(pictures), MAX_PICTURES) - len(files)
    return {"files": files, "problem": _summary(problems, missing_count, len(pictures))}


def _pictures_to_copy(video: Video, delivery: Delivery) -> list[dict[str, str]]:
    """What the clip showed when it was blocked, and what VOD has made of it since."""
    pictures = list(delivery.payload["pictures"])
    if video.source_version == delivery.payload["source_version"]:
        pictures += pictures_of(video)
    return unique_pictures(pictures)


def _copy_one(video: Video, version: int, picture: dict[str, str]) -> dict[str, str]:
    """Copy one picture; returns it as `Evidence.files` has it.

    Raises CloudRejected, CloudUnavailable, StorageRefused.
    """
    found = media_gateway().picture(MediaPath(picture["path"]))
    name = evidence.store_copy(
        video, version, picture["kind"], found.content, extension=found.extension
    )
    return {**picture, "name": name}


def _summary(problems: Sequence[str], missing_count: int, count: int) -> str:
    if not count:
        return "The clip had no picture on the CDN."
    if not problems:
        return ""
    return f"{missing_count} of {count} pictures could not be copied: {problems[0]}"
