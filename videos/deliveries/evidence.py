"""archive_evidence: copy the pictures of a blocked clip before they are purged from the CDN."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shortvideo.cloud import CloudRejected, CloudUnavailable, media_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox.handlers import Again, Done, Outcome, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.video import VideoHandler
from videos.models import Video
from videos.services import evidence
from videos.services.takedown import pictures_of, unique_pictures

MAX_PICTURES: Final = 60
MAX_ATTEMPTS: Final = 4  # attempts: a takedown does not wait long for its evidence
MAX_FAILED: Final = 3  # copies that fail at the last attempt; then no more are tried


class ArchiveEvidenceHandler(VideoHandler):
    """A picture that cannot be copied is written to `Evidence.problem` and ends no takedown."""

    kind = "archive_evidence"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        [delivery] = batch
        video = Video.objects.get(vod_id=delivery.subject)
        version = delivery.payload["source_version"]
        if evidence.is_archived(video, version):
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


def _copy_all(video: Video, delivery: Delivery) -> dict[str, Any]:
    """Copy the pictures. Returns `files` and `problem` for the delivery's result.

    Raises CloudUnavailable, StorageRefused if a retry may help and it is not the last attempt.
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
            if delivery.attempts < MAX_ATTEMPTS:
                raise
            problems.append(str(error))
            failed_count += 1
            if failed_count == MAX_FAILED:  # each takes its deadline, and the purge waits
                break
    missing_count = min(len(pictures), MAX_PICTURES) - len(files)
    return {"files": files, "problem": _summary(problems, missing_count, len(pictures))}


def _pictures_to_copy(video: Video, delivery: Delivery) -> list[dict[str, str]]:
    """The clip's pictures when it was blocked, and those that VOD has made since."""
    pictures = list(delivery.payload["pictures"])
    if video.source_version == delivery.payload["source_version"]:
        pictures += pictures_of(video)
    return unique_pictures(pictures)


def _copy_one(video: Video, version: int, picture: dict[str, str]) -> dict[str, str]:
    """Copy one picture. Returns its entry for `Evidence.files`.

    Raises CloudRejected, CloudUnavailable, StorageRefused.
    """
    media = media_gateway().picture(MediaPath(picture["path"]))
    name = evidence.store_copy(
        video, version, picture["kind"], media.content, extension=media.extension
    )
    return {**picture, "name": name}


def _summary(problems: Sequence[str], missing_count: int, count: int) -> str:
    if not count:
        return "The clip had no picture on the CDN."
    if not problems:
        return ""
    return f"{missing_count} of {count} pictures could not be copied: {problems[0]}"
