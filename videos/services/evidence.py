"""Evidence: pictures and facts of a blocked clip, and the machine's hit pictures of any clip."""

import hashlib
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models.functions import Mod
from django.utils import timezone
from django.utils.translation import gettext as _

from shortvideo.cloud.urls import is_of_vod
from shortvideo.errors import InvalidState
from videos.models import Evidence, Video, VideoDeletion

logger = logging.getLogger(__name__)

STORAGE: Final = "evidence"  # of settings.STORAGES
HIT: Final = "hit"  # the kind of the machine's hit pictures
SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
RETRY_PERIODS: Final = (timedelta(minutes=1), timedelta(days=1))  # shortest and longest wait


class StorageRefused(Exception):
    """The storage failed. str() is one sentence, safe to show."""


def storage() -> Storage:
    return storages[STORAGE]


@contextmanager
def _storing(refusal: str) -> Iterator[Storage]:
    """The storage; every error of its backend becomes a StorageRefused."""
    try:
        yield storage()
    except Exception as error:
        # The texts of other errors may contain a key.
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        # The operator mends a full disk or a folder's mode; other errors may be defects.
        logger.warning(
            "The storage of evidence has failed",
            extra={"reason": reason},
            exc_info=not isinstance(error, OSError),
        )
        raise StorageRefused(f"{refusal} ({reason}).") from error


def store_copy(
    video: Video, source_version: int, kind: str, content: bytes, *, extension: str
) -> str:
    """Store one copy and return its name. The name never has parts from outside.

    The same content is stored once. A copy that broke off (a full disk, a killed process) is
    removed or replaced. Raises StorageRefused.
    """
    folder = video.vod_id if SAFE_NAME.fullmatch(video.vod_id) else f"video-{video.pk}"
    digest = hashlib.sha256(content).hexdigest()[:16]
    name = f"{folder}/{source_version}/{kind}-{digest}.{extension}"
    with _storing("The storage of evidence refused a copy") as files:
        if files.exists(name):
            if files.size(name) == len(content):
                return name
            files.delete(name)
        try:
            return files.save(name, ContentFile(content))
        except Exception:
            with suppress(Exception):  # the storage's own refusal is the one to show
                files.delete(name)
            raise


def lost_names(evidence: Evidence) -> set[str]:
    """Ask the storage for each copy. Returns those that it does not have. Raises StorageRefused."""
    with _storing("The storage of evidence did not tell which copies it has") as files:
        return {file["name"] for file in evidence.files if not files.exists(file["name"])}


def check_copies(*, share: int, turn: int) -> None:
    """Ask the storage for the copies of one in `share` clips; `turn` is which, any whole number.

    Evidence whose copies are lost waits for an operator and is archived again.
    """
    rows = Evidence.objects.kept().annotate(turn=Mod("pk", share)).filter(turn=turn % share)
    for row in rows.iterator():
        try:
            lost = lost_names(row)
        except StorageRefused:  # it is logged, and the next check asks again
            return
        if lost != {file["name"] for file in row.files if file.get("is_lost")}:
            _note_lost(row.pk, lost)


@transaction.atomic
def _note_lost(pk: int, lost: Collection[str]) -> None:
    evidence = Evidence.objects.kept().select_for_update().filter(pk=pk).first()
    if evidence is not None:
        evidence.files = _with_lost(evidence.files, lost)
        _schedule_retry(evidence, timezone.now())
        evidence.save(update_fields=["files", "attention_at", "retry_at"])


def _with_lost(files: Iterable[Mapping[str, Any]], lost: Collection[str]) -> list[dict[str, Any]]:
    """The entries of `Evidence.files` with `is_lost` where, and only where, a copy is lost."""
    found = ({key: value for key, value in file.items() if key != "is_lost"} for file in files)
    return [{**file, "is_lost": True} if file["name"] in lost else file for file in found]


def keep_evidence(
    video: Video,
    source_version: int,
    *,
    facts: Mapping[str, Any],
    files: Sequence[Mapping[str, str]],
    lost: Collection[str] = (),
    problem: str,
) -> Evidence:
    """Write what was archived of one version of a clip, beside copies of an earlier attempt.

    `lost` are the names of earlier copies that the storage does not have.

    Evidence with a problem, or without any copy, waits for an operator and is tried again: after
    a minute, then each time after as long as it has been incomplete, once a day at least.
    """
    locked = Evidence.objects.select_for_update()
    evidence, _created = locked.get_or_create(video=video, source_version=source_version)
    known = {file["path"]: file for file in evidence.files}
    known |= {file["path"]: dict(file) for file in files}
    evidence.files = _with_lost(known.values(), set(lost) - {file["name"] for file in files})
    evidence.facts = evidence.facts or dict(facts)  # as they were when the clip was blocked
    evidence.machine_review = _machine_review_of(video, source_version)
    now = timezone.now()
    evidence.problem, evidence.archived_at = problem, now
    evidence.removed_at, evidence.expires_at = None, None
    _schedule_retry(evidence, now)
    evidence.save()
    gone = video.deletions.filter(state=VideoDeletion.State.DONE).order_by("-id").first()
    if gone is not None and video.deleted_at is not None:
        set_expiry(video, deleted_at=gone.finished_at or video.deleted_at)
    return evidence


def _schedule_retry(evidence: Evidence, now: datetime) -> None:
    """Set, in memory, whether it waits for an operator, and when the worker tries again."""
    if not is_incomplete(evidence):
        evidence.attention_at = evidence.retry_at = None
        return
    is_first = evidence.attention_at is None
    evidence.attention_at = evidence.attention_at or now
    wait = RETRY_PERIODS[0] if is_first else now - evidence.attention_at
    evidence.retry_at = now + min(max(wait, RETRY_PERIODS[0]), RETRY_PERIODS[1])


def is_incomplete(evidence: Evidence) -> bool:
    """Whether copies are missing: some were never made or are lost, or there is none at all."""
    return evidence.removed_at is None and bool(evidence.shortfall or not evidence.copies)


def check_retryable(evidence: Evidence) -> None:
    """Raise InvalidState if the clip cannot be archived again."""
    video = evidence.video
    if video.deleted_at is not None:
        raise InvalidState(_("The clip is deleted: VOD has its pictures no longer."))
    if evidence.source_version != video.source_version:
        raise InvalidState(_("Another source was uploaded since: its pictures are gone."))
    if not video.is_blocked and not hit_pictures(video):
        raise InvalidState(_("The clip is not blocked any more."))


def hit_pictures(video: Video) -> list[dict[str, str]]:
    """The machine's hit pictures of the present source: objects of kind and path."""
    review = video.machine_reviews.filter(source_version=video.source_version).first()
    paths = dict.fromkeys(hit.get("picture", "") for hit in (review.hits if review else []))
    return [{"kind": HIT, "path": path} for path in paths if is_of_vod(path)]


def kept_of(video: Video, source_version: int) -> Evidence | None:
    """The evidence of this version of a clip; None if there is none, or it was removed."""
    return Evidence.objects.kept().filter(video=video, source_version=source_version).first()


def _machine_review_of(video: Video, source_version: int) -> dict[str, Any]:
    """The machine's verdict in JSON; empty without one."""
    review = video.machine_reviews.filter(source_version=source_version).first()
    if review is None:
        return {}
    fields = (
        "suggestion", "labels", "hits", "abnormal_modules", "result", "error_code", "error_message",
    )  # fmt: skip
    values = {name: getattr(review, name) for name in fields}
    return {**values, "received": review.received_at.isoformat()}


def set_expiry(video: Video, *, deleted_at: datetime | None) -> None:
    """Set how long the evidence of a deleted clip is kept; None if the clip is back."""
    until = None if deleted_at is None else deleted_at + timedelta(days=settings.EVIDENCE_DAYS)
    Evidence.objects.kept().filter(video=video).update(expires_at=until)


def remove_expired(*, at_once: int) -> int:
    """Remove expired copies and facts, the oldest first. Returns the number of clips.

    A copy that cannot be deleted is named in `Evidence.problem` and stops no other; the next run
    tries again. The log of decisions is not touched.
    """
    count, tried = 0, set[int]()
    while due := list(
        Evidence.objects.expired(timezone.now())
        .exclude(pk__in=tried)
        .order_by("expires_at", "id")
        .values_list("pk", flat=True)[:at_once]
    ):
        tried.update(due)
        count += sum(_remove(pk) for pk in due)
    return count


@transaction.atomic
def _remove(pk: int) -> bool:
    """Remove the evidence of one clip. Its row stays locked until then.

    The files go first: if the process ends in between, the row still names them.
    """
    evidence = Evidence.objects.expired(timezone.now()).select_for_update().filter(pk=pk).first()
    if evidence is None:
        return False
    try:
        with _storing("A copy whose time is over could not be removed") as files:
            for file in evidence.files:
                files.delete(file["name"])
    except StorageRefused as error:
        evidence.problem = str(error)
        evidence.save(update_fields=["problem"])
        return False
    evidence.files, evidence.facts, evidence.machine_review = [], {}, {}
    evidence.removed_at, evidence.attention_at = timezone.now(), None
    evidence.save(update_fields=["files", "facts", "machine_review", "removed_at", "attention_at"])
    return True
