"""push_object_cache and purge: have the CDN fetch files (a prefetch), or drop them.

A closed video is blocked or deleted; a withdrawn prefetch is one of a closed video.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from shortvideo.cloud import (
    CloudError,
    CloudRejected,
    CloudUnavailable,
    cdn_gateway,
    media_gateway,
)
from shortvideo.cloud.types import MediaPath
from shortvideo.cloud.urls import is_playlist
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.video import VideoHandler
from videos.mirror.cdn import read_quota
from videos.models import CdnQuota, CdnTask, Takedown, Video
from videos.services.cdn import create_task, purge_media, urls_of_closed_videos
from videos.services.cdn_quota import seconds_until_renewed

logger = logging.getLogger(__name__)

MAX_URLS: Final = 100  # in one call
READING_ATTEMPTS: Final = 3  # to read a playlist; the purge does not wait for longer
USED_UP_RETRY_SECONDS: Final = 600.0  # a purge is urgent, and the quota may be raised today
TOMORROW: Final = "Today's CDN quota is used up; the URLs go out tomorrow."
TAKEDOWN_OVER: Final = Superseded("The takedown was reversed or replaced.")
WITHDRAWN: Final = "Its video was blocked or deleted meanwhile."
CLOSED: Final = "All its URLs belong to blocked or deleted videos."

UrlsByDelivery = dict[int, list[str]]  # URLs by the key of their delivery


@dataclass(frozen=True, slots=True)
class Remainder:
    """The URLs of a task that were not sent, and when a new task sends them."""

    urls: tuple[str, ...]
    again: Again


@dataclass(frozen=True, slots=True)
class Sent(Done):
    """`result["refused"]` has the URLs that the CDN refused, `result["refusal"]` the reason."""

    remainder: Remainder | None = None


@dataclass(frozen=True, slots=True)
class NotTaken(Refused):
    """The CDN refused all URLs of a task that were sent."""

    remainder: Remainder | None = None


class CdnHandler(VideoHandler):
    """Sends several tasks in one call, with up to 100 URLs together."""

    batch_size = MAX_URLS

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Call the CDN; returns the ids of its tasks."""
        raise NotImplementedError

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        urls = _urls_of(batch)
        return self.send_calls(urls, _calls(urls))

    def send_calls(
        self, urls: UrlsByDelivery, calls: Iterable[UrlsByDelivery]
    ) -> dict[int, Outcome]:
        """Send call after call. A failure leaves the outcomes of the earlier calls as they are."""
        outcomes: dict[int, Outcome] = {}
        for call in calls:
            try:
                outcomes |= self.send(call)
            except CloudUnavailable as error:  # the next call would fail too
                return dict.fromkeys(urls, self.again(error)) | outcomes
        return outcomes

    def send(self, urls: UrlsByDelivery) -> dict[int, Outcome]:
        """Send the URLs of deliveries in one call.

        If the CDN refuses them or the quota is too small, the deliveries are sent one by one, to
        find the bad one or those that still fit. A delivery that is refused alone is divided.
        Raises CloudUnavailable in an outage or while throttled.
        """
        paths = list(dict.fromkeys(chain.from_iterable(urls.values())))
        is_alone = len(urls) == 1
        try:
            outcome = self.send_divided(paths) if is_alone else self.send_whole(paths)
            return dict.fromkeys(urls, outcome)
        except CloudRejected:
            pass  # at least one of several is bad
        except CloudUnavailable as error:
            if not error.is_quota_used_up:
                raise
            if is_alone:
                return dict.fromkeys(urls, self.again(error))
        return self.send_calls(urls, ({pk: own_urls} for pk, own_urls in urls.items()))

    def send_whole(self, paths: Sequence[str]) -> Sent:
        """Raises CloudRejected, CloudUnavailable."""
        return Sent({"task_ids": list(self.submit([MediaPath(path) for path in paths]))})

    def send_divided(self, paths: Sequence[str]) -> Outcome:
        """Send the URLs of one task, refused ones in halves, down to single URLs.

        If the quota ends or the CDN fails after a part was sent, the rest is the remainder. Raises
        CloudUnavailable if nothing was sent before that.
        """
        task_ids: list[str] = []
        refusals: dict[str, CloudRejected] = {}
        remainder: Remainder | None = None
        parts = [list(paths)]
        while parts:
            part = parts.pop(0)
            try:
                task_ids += self.send_whole(part).result["task_ids"]
            except CloudRejected as error:
                middle = len(part) // 2
                if middle:
                    parts = [part[:middle], part[middle:], *parts]
                else:
                    refusals |= dict.fromkeys(part, error)
            except CloudUnavailable as error:
                if not task_ids:
                    raise
                remainder = Remainder((*part, *chain(*parts)), self.again(error))
                break
        if not task_ids:
            first = next(iter(refusals.values()))
            return NotTaken(first.code, str(first), first.request_id)
        return Sent({"task_ids": task_ids, **_refusal_summary(refusals, len(paths))}, remainder)

    def again(self, error: CloudUnavailable) -> Again:
        """When to retry after an error.

        A used-up quota pauses no lane: a smaller task may still fit.
        """
        if error.is_quota_used_up:
            return self.again_with_quota(error)
        return Again(str(error), error.retry_after, error.throttled)

    def again_with_quota(self, error: CloudUnavailable) -> Again:
        """When to retry after the day's quota was used up."""
        return Again(str(error), USED_UP_RETRY_SECONDS)

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        remainder = outcome.remainder if isinstance(outcome, Sent | NotTaken) else None
        if remainder is not None:
            self.lock_subject(delivery.subject)  # before the task, like all who write both
        task = CdnTask.objects.get(delivery=delivery)
        if remainder is not None:
            _requeue_remainder(task, remainder)
        if delivery.state == DeliveryState.DONE:
            task.state, task.task_ids = CdnTask.State.SUBMITTED, delivery.result["task_ids"]
            task.delivery = delivery  # its result has the URLs that were left out
            task.error_message = task.left_out_note
            task.finished_at = task.attention_at = None  # an earlier end, before a retry
        elif delivery.state == DeliveryState.GIVEN_UP:
            task.finish(CdnTask.State.REFUSED, delivery.error)
        elif delivery.state != DeliveryState.SUPERSEDED:
            task.error_message = delivery.error  # why it still waits
        elif task.state in CdnTask.FAILED:  # dismissed: it stays failed
            task.attention_at = None
        else:
            task.finish(CdnTask.State.SUPERSEDED, delivery.error)
        task.save(update_fields=["task_ids", *CdnTask.END])


def _refusal_summary(refusals: Mapping[str, CloudRejected], url_count: int) -> dict[str, Any]:
    if not refusals:
        return {}
    first, error = next(iter(refusals.items()))
    reason = f"{len(refusals)} of {url_count} URLs were refused, first {first}: {error}"
    return {"refused": list(refusals), "refusal": reason}


def _requeue_remainder(task: CdnTask, remainder: Remainder) -> None:
    """Move the URLs that were not sent to a new task. The caller saves the task's other fields."""
    task.urls = [url for url in task.urls if url not in remainder.urls]
    task.save(update_fields=["urls"])
    create_task(
        task.kind,
        list(remainder.urls),
        video=task.video,
        delay_seconds=remainder.again.delay_seconds or 0,
        part_of=task,
        takedown_id=task.takedown_id,
        operator_id=task.operator_id,
        request_id=task.request_id,
        error_message=remainder.again.reason,
    )


def _urls_of(batch: Sequence[Delivery]) -> UrlsByDelivery:
    urls = dict(CdnTask.objects.filter(delivery__in=batch).values_list("delivery", "urls"))
    return {delivery.pk: urls[delivery.pk] for delivery in batch}


def _calls(urls: UrlsByDelivery) -> Iterator[UrlsByDelivery]:
    """Divide the deliveries into calls of at most 100 URLs."""
    call: UrlsByDelivery = {}
    for pk, own_urls in urls.items():
        if call and sum(map(len, call.values())) + len(own_urls) > MAX_URLS:
            yield call
            call = {}
        call[pk] = own_urls
    if call:
        yield call


class PrefetchHandler(CdnHandler):
    """Sends what fits into today's quota, and the remainder tomorrow."""

    kind = "push_object_cache"

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        task_ids = cdn_gateway().prefetch(paths)
        _note_spent(len(paths))
        return task_ids

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """Send the tasks in order; the quota may cut the last one.

        1. Leave out the tasks and URLs of blocked and deleted videos.
        2. Take as many URLs as the quota allows, and send them.
        3. The URLs over the quota are sent tomorrow.
        """
        urls, superseded = _urls_of(batch), _withdrawn(batch)
        closed = urls_of_closed_videos(chain.from_iterable(urls.values()))
        open_urls = {pk: [url for url in own if url not in closed] for pk, own in urls.items()}
        superseded |= {pk: Superseded(CLOSED) for pk, own in open_urls.items() if not own}
        fitting = _fit_quota(
            {pk: own for pk, own in open_urls.items() if pk not in superseded}, _remaining_today()
        )
        sent = self.send_calls(fitting, _calls(fitting))
        for pk, outcome in sent.items():
            left_out = [url for url in urls[pk] if url in closed]
            over_quota = open_urls[pk][len(fitting[pk]) :]
            sent[pk] = _with_over_quota(_with_left_out(outcome, left_out), over_quota)
        return dict.fromkeys(urls, _tomorrow()) | superseded | sent

    def again_with_quota(self, error: CloudUnavailable) -> Again:
        """Others have used the quota since it was read."""
        return _tomorrow()


def _withdrawn(batch: Sequence[Delivery]) -> dict[int, Outcome]:
    """Prefetches whose video was blocked or deleted while they waited."""
    tasks = CdnTask.objects.filter(delivery__in=batch).withdrawn()
    return dict.fromkeys(tasks.values_list("delivery_id", flat=True), Superseded(WITHDRAWN))


def _remaining_today() -> int | None:
    """How many URLs can still be prefetched today; None if the CDN does not tell."""
    try:
        return read_quota().prefetch_remaining
    except CloudError as error:
        # No reason to wait: over the quota the CDN refuses by itself.
        logger.warning("The CDN's quota could not be read", extra={"reason": str(error)})
        return None


def _fit_quota(urls: UrlsByDelivery, remaining: int | None) -> UrlsByDelivery:
    """The first `remaining` URLs, in order (None: all)."""
    fitting: UrlsByDelivery = {}
    for pk, own_urls in urls.items():
        part = own_urls[:remaining]
        if part:
            fitting[pk] = part
        remaining = None if remaining is None else remaining - len(part)
    return fitting


def _with_left_out(outcome: Outcome, closed: Sequence[str]) -> Outcome:
    if not isinstance(outcome, Sent):
        return outcome
    return replace(outcome, result={**outcome.result, "closed": list(closed)})


def _with_over_quota(outcome: Outcome, urls: Sequence[str]) -> Outcome:
    """Add the URLs over the quota to the remainder; the quota is read again before that is sent."""
    if not urls or not isinstance(outcome, Sent | NotTaken):
        return outcome
    remainder = outcome.remainder or Remainder((), _tomorrow())
    return replace(outcome, remainder=Remainder((*remainder.urls, *urls), remainder.again))


def _note_spent(url_count: int) -> None:
    """Reduce the quota that was read, by the URLs sent since."""
    remaining = Greatest(F("prefetch_left") - url_count, 0)
    CdnQuota.objects.filter(pk=CdnQuota.ONLY).update(prefetch_left=remaining)


def _tomorrow() -> Again:
    return Again(TOMORROW, seconds_until_renewed(timezone.now()))


class PurgeHandler(CdnHandler):
    """Leaves out the purges of takedowns that were reversed or replaced.

    VOD does not tell the segments of a playlist. So the playlist is read before it is purged, and
    its segments are purged by tasks of their own.
    """

    kind = "purge"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        over = CdnTask.objects.filter(delivery__in=batch, takedown__state__in=Takedown.OVER)
        outcomes: dict[int, Outcome] = dict.fromkeys(
            over.values_list("delivery_id", flat=True), TAKEDOWN_OVER
        )
        left = [delivery for delivery in batch if delivery.pk not in outcomes]
        read: dict[int, dict[str, list[str]]] = {}
        for delivery in _with_playlists(left):
            try:
                read[delivery.pk] = _purge_segments(delivery)
            except CloudUnavailable as error:
                outcomes[delivery.pk] = Again(str(error), error.retry_after)
        left = [delivery for delivery in left if delivery.pk not in outcomes]
        sent = dict(super().deliver(left)) if left else {}
        for pk, outcome in sent.items():
            if isinstance(outcome, Sent):
                sent[pk] = replace(outcome, result={**outcome.result, **read.get(pk, {})})
        return outcomes | sent

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        return cdn_gateway().purge(paths)


def _with_playlists(batch: Sequence[Delivery]) -> list[Delivery]:
    urls = _urls_of(batch)
    return [delivery for delivery in batch if any(map(is_playlist, urls[delivery.pk]))]


def _purge_segments(delivery: Delivery) -> dict[str, list[str]]:
    """Purge the segments of the playlists in a purge.

    Returns the playlists that were `read` and `unread`, and the `segments`. Raises CloudUnavailable
    if the CDN's answer does not tell, in the first attempts.
    """
    task = CdnTask.objects.select_related("video", "takedown").get(delivery=delivery)
    notes: dict[str, list[str]] = {}
    for playlist in filter(is_playlist, task.urls):
        try:
            segments = media_gateway().segments(MediaPath(playlist))
        except CloudError as error:
            if isinstance(error, CloudUnavailable) and delivery.attempts < READING_ATTEMPTS:
                raise
            notes.setdefault("unread", []).append(playlist)
        else:
            notes.setdefault("read", []).append(playlist)
            notes.setdefault("segments", []).extend(segments)
    if notes.get("segments") and task.video is not None:
        _purge_too(task, task.video, notes["segments"])
    return notes


@transaction.atomic
def _purge_too(task: CdnTask, video: Video, paths: Iterable[str]) -> None:
    """Purge further files in the same way, unless another task does."""
    Video.objects.select_for_update().get(pk=video.pk)
    since = CdnTask.objects.purges().filter(video=video, takedown=task.takedown_id)
    if task.takedown_id is None:
        since = since.filter(pk__gte=task.pk)
    known = set(chain.from_iterable(since.values_list("urls", flat=True)))
    purge_media(
        video,
        operator=task.operator,
        request_id=task.request_id,
        takedown=task.takedown,
        paths=[path for path in dict.fromkeys(paths) if path not in known],
    )
