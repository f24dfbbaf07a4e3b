"""archive_evidence: copy the pictures of a blocked clip before they are purged from the CDN.

With `is_of_hits` in the payload also the machine's hit pictures of a clip that is not blocked.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from shortvideo.cloud import (
    CloudError,
    CloudRejected,
    CloudUnavailable,
    media_gateway,
    vod_gateway,
)
from shortvideo.cloud.types import MediaPath, Picture
from shortvideo.cloud.urls import is_on_cdn
from shortvideo.outbox.handlers import Again, Done, Outcome, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.video import VideoHandler
from videos.models import Evidence, Video
from videos.services import evidence
from videos.services.evidence import hit_pictures
from videos.services.takedown import pictures_of, unique_pictures

MAX_ATTEMPTS: Final = 4  # attempts: a takedown does not wait long for its evidence
MAX_FAILED: Final = 3  # copies that fail at the last attempt; then no more are tried


class ArchiveEvidenceHandler(VideoHandler):
    """A picture that cannot be copied is written to `Evidence.problem` and ends no takedown.

    The evidence then waits for an operator and is tried again (`evidence.keep_evidence`).
    """

    kind = "archive_evidence"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        [delivery] = batch
        try:
            return {delivery.pk: _archive(delivery)}
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
            lost=delivery.result["lost"],
            problem=delivery.result["problem"],
        )


def _archive(delivery: Delivery) -> Outcome:
    """Copy what the storage does not have. Raises CloudUnavailable, StorageRefused."""
    video = Video.objects.get(vod_id=delivery.subject)
    version = delivery.payload["source_version"]
    kept = evidence.kept_of(video, version)
    lost = _lost_names(kept, delivery) if kept is not None else set()
    files = kept.files if kept is not None else []
    known = {file["path"] for file in files if file["name"] not in lost}
    pictures = _pictures_to_copy(video, delivery)
    missing = [picture for picture in pictures if picture["path"] not in known]
    if kept is not None and not (missing or lost or evidence.is_incomplete(kept)):
        return Done()
    is_of_hits = delivery.payload.get("is_of_hits", False)
    if video.source_version == version and not (video.is_blocked or is_of_hits):
        return Superseded("The clip is not blocked any more.")
    return Done({**_copy_all(video, delivery, missing, len(pictures)), "lost": sorted(lost)})


def _lost_names(kept: Evidence, delivery: Delivery) -> set[str]:
    """Names of copies that the storage does not have. Raises StorageRefused if it may tell later.

    If it does not tell, the copies count as it last told.
    """
    try:
        return evidence.lost_names(kept)
    except evidence.StorageRefused:
        if delivery.attempts < MAX_ATTEMPTS:
            raise
        return {file["name"] for file in kept.files if file.get("is_lost")}


class _Originals:
    """The URLs by which VOD itself gives a clip's pictures: these may outlive a purge."""

    def __init__(self, vod_id: str) -> None:
        self._vod_id = vod_id

    @cached_property
    def urls(self) -> dict[MediaPath, str]:
        try:
            return vod_gateway().picture_urls(self._vod_id)
        except CloudError:
            return {}

    @cached_property
    def hit_urls(self) -> dict[MediaPath, str]:
        return vod_gateway().hit_picture_urls(self._vod_id)

    def fetch(self, path: MediaPath) -> Picture:
        """Return a picture from the CDN, or else from VOD. Raises CloudRejected, CloudUnavailable.

        VOD's URLs play for review security IPs (`SetAuditSecurityIp`), whatever was purged. Hit
        pictures are in VOD's own storage, whose URLs only VOD signs.
        """
        if not is_on_cdn(path):
            if path not in self.hit_urls:
                raise CloudRejected("VOD does not have the picture any more.", code="NoPicture")
            return media_gateway().picture(path, signed_url=self.hit_urls[path])
        try:
            return media_gateway().picture(path)
        except CloudRejected:
            if path not in self.urls:
                raise
            return media_gateway().picture(path, signed_url=self.urls[path])


def _copy_all(
    video: Video, delivery: Delivery, missing: Sequence[dict[str, str]], count: int
) -> dict[str, Any]:
    """Copy pictures, of `count` that the clip has. Returns `files` and `problem` for the result.

    Raises CloudUnavailable, StorageRefused if a retry may help and it is not the last attempt.
    """
    originals = _Originals(video.vod_id)
    files: list[dict[str, str]] = []
    problems: list[str] = []
    failed_count = 0
    for picture in missing:
        try:
            media = originals.fetch(MediaPath(picture["path"]))
            files.append(_store(video, delivery.payload["source_version"], picture, media))
        except CloudRejected as error:
            problems.append(str(error))
        except (CloudUnavailable, evidence.StorageRefused) as error:
            if delivery.attempts < MAX_ATTEMPTS:
                raise
            problems.append(str(error))
            failed_count += 1
            if failed_count == MAX_FAILED:  # each takes its deadline, and the purge waits
                break
    return {"files": files, "problem": _summary(problems, len(missing) - len(files), count)}


def _pictures_to_copy(video: Video, delivery: Delivery) -> list[dict[str, str]]:
    """The clip's pictures when it was blocked, and those that VOD has made since."""
    pictures = list(delivery.payload["pictures"])
    if video.source_version == delivery.payload["source_version"]:
        pictures += [*(pictures_of(video) if video.is_blocked else ()), *hit_pictures(video)]
    return unique_pictures(pictures)


def _store(video: Video, version: int, picture: dict[str, str], media: Picture) -> dict[str, str]:
    """Store one copy. Returns its entry for `Evidence.files`. Raises StorageRefused."""
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
