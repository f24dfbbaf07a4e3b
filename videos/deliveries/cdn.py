"""push_object_cache and purge: what the CDN must fetch, and what it must forget."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from shortvideo.cloud import CloudError, CloudRejected, CloudUnavailable, cdn_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.subject import VideoHandler
from videos.mirror.cdn import read_quota
from videos.models import CdnQuota, CdnTask, Takedown, Video
from videos.services.cdn import create_task
from videos.services.cdn_quota import seconds_until_renewed

logger = logging.getLogger(__name__)

MAX_URLS: Final = 100  # in one call
LOOKED_UP_AT_ONCE: Final = 1_000  # URLs in one query
USED_UP_RETRY_SECONDS: Final = 600.0  # a purge cannot wait for tomorrow: more may be granted
TOMORROW: Final = "Today's quota of the CDN is used up; it goes out tomorrow."
TAKEDOWN_OVER: Final = Superseded("The takedown was reversed, or another one took its place.")
WITHDRAWN: Final = "Its video was blocked or deleted meanwhile."
CLOSED: Final = "All of it is of videos that were blocked or deleted."

UrlsByDelivery = dict[int, list[str]]  # URLs by the key of their delivery


@dataclass(frozen=True, slots=True)
class Remainder:
    """URLs that were not sent with their task, and when they go out as a task of their own."""

    urls: tuple[str, ...]
    again: Again


@dataclass(frozen=True, slots=True)
class Sent(Done):
    """`result["refused"]` has the URLs that the CDN does not take, `result["refusal"]` why."""

    rest: Remainder | None = None


@dataclass(frozen=True, slots=True)
class NotTaken(Refused):
    rest: Remainder | None = None


class CdnHandler(VideoHandler):
    """Sends as many tasks in one call as have 100 URLs between them."""

    batch_size = MAX_URLS

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Call the CDN; returns the ids of its tasks."""
        raise NotImplementedError

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        wanted = _urls_of(batch)
        return self.send_each(wanted, _packs(wanted))

    def send_each(
        self, wanted: UrlsByDelivery, portions: Iterable[UrlsByDelivery]
    ) -> dict[int, Outcome]:
        """Send pack after pack. What was sent stays sent, whatever becomes of the next pack."""
        outcomes: dict[int, Outcome] = {}
        for pack in portions:
            try:
                outcomes |= self.send(pack)
            except CloudUnavailable as error:  # the next would fail too
                return dict.fromkeys(wanted, self.again(error)) | outcomes
        return outcomes

    def send(self, pack: UrlsByDelivery) -> dict[int, Outcome]:
        """Send a pack in one call.

        One that is refused, or that goes beyond what is left of the quota, is sent one by one: to
        find what is wrong with it, or what still fits. A task that is refused by itself is divided.
        Raises CloudUnavailable otherwise.
        """
        paths = list(dict.fromkeys(path for urls in pack.values() for path in urls))
        is_alone = len(pack) == 1
        try:
            outcome = self.send_divided(paths) if is_alone else self.send_whole(paths)
            return dict.fromkeys(pack, outcome)
        except CloudRejected:
            pass  # one of several is wrong
        except CloudUnavailable as error:
            if not error.is_quota_used_up:
                raise
            if is_alone:
                return dict.fromkeys(pack, self.again(error))
        return self.send_each(pack, ({pk: urls} for pk, urls in pack.items()))

    def send_whole(self, paths: Sequence[str]) -> Sent:
        """Raises CloudRejected, CloudUnavailable."""
        return Sent({"task_ids": list(self.submit([MediaPath(path) for path in paths]))})

    def send_divided(self, paths: Sequence[str]) -> Outcome:
        """Send what the CDN takes of one task: what it refuses in halves, down to single URLs.

        Where the quota ends meanwhile, or the CDN fails, what was sent stays sent and the others
        are a rest. Raises CloudUnavailable where nothing was sent by then.
        """
        task_ids: list[str] = []
        refusals: dict[str, CloudRejected] = {}
        rest: Remainder | None = None
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
                rest = Remainder((*part, *chain(*parts)), self.again(error))
                break
        if not task_ids:
            first = next(iter(refusals.values()))
            return NotTaken(first.code, str(first), first.request_id)
        return Sent({"task_ids": task_ids, **_refusal_summary(refusals, len(paths))}, rest)

    def again(self, error: CloudUnavailable) -> Again:
        """What becomes of that which the CDN did not take now.

        No lane is paused for what does not fit into the day's quota: a smaller task may fit.
        """
        if error.is_quota_used_up:
            return self.used_up(error)
        return Again(str(error), error.retry_after, error.throttled)

    def used_up(self, error: CloudUnavailable) -> Again:
        return Again(str(error), USED_UP_RETRY_SECONDS)

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        rest = outcome.rest if isinstance(outcome, Sent | NotTaken) else None
        if rest is not None:
            self.lock_subject(delivery.subject)  # before the task, as everybody else does
        task = CdnTask.objects.get(delivery=delivery)
        if rest is not None:
            _requeue_remainder(task, rest)
        if delivery.state == DeliveryState.DONE:
            task.state, task.task_ids = CdnTask.State.SUBMITTED, delivery.result["task_ids"]
            task.delivery = delivery  # with its result, which tells what was left out
            task.error_message = task.left_out_note
            task.finished_at = task.attention_at = None  # it may have been given up before
        elif delivery.state == DeliveryState.GIVEN_UP:
            task.finish(CdnTask.State.REFUSED, delivery.error)
        elif delivery.state == DeliveryState.SUPERSEDED:
            _end_unsent(task, delivery)
        else:
            task.error_message = delivery.error  # why it still waits
        task.save(update_fields=["task_ids", *CdnTask.END])


def _refusal_summary(refusals: Mapping[str, CloudRejected], url_count: int) -> dict[str, Any]:
    if not refusals:
        return {}
    first, error = next(iter(refusals.items()))
    reason = f"{len(refusals)} of {url_count} URLs were refused, first {first}: {error}"
    return {"refused": list(refusals), "refusal": reason}


def _requeue_remainder(task: CdnTask, rest: Remainder) -> None:
    """Make a task of its own of the URLs that were not sent; the caller saves the other fields."""
    task.urls = [url for url in task.urls if url not in rest.urls]
    task.save(update_fields=["urls"])
    part = CdnTask(
        kind=task.kind,
        urls=list(rest.urls),
        part_of=task,
        takedown_id=task.takedown_id,
        video=task.video,
        operator_id=task.operator_id,
        request_id=task.request_id,
        error_message=rest.again.reason,
    )
    create_task(part, delay_seconds=rest.again.delay_seconds or 0)


def _end_unsent(task: CdnTask, delivery: Delivery) -> None:
    """What has failed and was dismissed stays failed; nobody need look at it any more."""
    if task.state in CdnTask.FAILED:
        task.attention_at = None
    else:
        task.finish(CdnTask.State.SUPERSEDED, delivery.error)


def _urls_of(batch: Sequence[Delivery]) -> UrlsByDelivery:
    urls = dict(CdnTask.objects.filter(delivery__in=batch).values_list("delivery", "urls"))
    return {delivery.pk: urls[delivery.pk] for delivery in batch}


def _packs(wanted: UrlsByDelivery) -> Iterator[UrlsByDelivery]:
    """The URLs of deliveries by their keys, 100 URLs at most together."""
    pack: UrlsByDelivery = {}
    for pk, urls in wanted.items():
        if pack and sum(map(len, pack.values())) + len(urls) > MAX_URLS:
            yield pack
            pack = {}
        pack[pk] = urls
    if pack:
        yield pack


class PrefetchHandler(CdnHandler):
    """Sends what fits into today's quota; the rest goes out tomorrow."""

    kind = "push_object_cache"

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        task_ids = cdn_gateway().prefetch(paths)
        _note_spent(len(paths))
        return task_ids

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """Send in order what fits; of the last that does not fit as a whole, a part."""
        wanted, superseded = _urls_of(batch), _withdrawn(batch)
        closed = _of_closed_videos(list(chain(*wanted.values())))
        open_urls = {pk: [url for url in urls if url not in closed] for pk, urls in wanted.items()}
        superseded |= {pk: Superseded(CLOSED) for pk, urls in open_urls.items() if not urls}
        fitting = _take_quota(
            {pk: urls for pk, urls in open_urls.items() if pk not in superseded}, _left_today()
        )
        sent = self.send_each(fitting, _packs(fitting))
        for pk, outcome in sent.items():
            left_out = [url for url in wanted[pk] if url in closed]
            beyond = open_urls[pk][len(fitting[pk]) :]
            sent[pk] = _with_over_quota(_with_left_out(outcome, left_out), beyond)
        return dict.fromkeys(wanted, _tomorrow()) | superseded | sent

    def used_up(self, error: CloudUnavailable) -> Again:
        """Others have used up meanwhile what was left a moment ago."""
        return _tomorrow()


def _withdrawn(batch: Sequence[Delivery]) -> dict[int, Outcome]:
    """Prefetches that the block or the deletion of their video overtook while they waited."""
    tasks = CdnTask.objects.filter(delivery__in=batch).withdrawn()
    return dict.fromkeys(tasks.values_list("delivery_id", flat=True), Superseded(WITHDRAWN))


def _of_closed_videos(urls: Sequence[str]) -> set[str]:
    """Which of the URLs are of clips that were blocked or deleted, as far as their places tell."""
    portions = range(0, len(urls), LOOKED_UP_AT_ONCE)
    return set(chain(*(_of_closed(urls[start : start + LOOKED_UP_AT_ONCE]) for start in portions)))


def _of_closed(urls: Sequence[str]) -> Iterator[str]:
    """VOD puts a video's id into the paths of most of its files; covers may lie anywhere.

    The ids have an index; only what lies in the folder of no clip is looked for in all of them.
    """
    folders = {folder for url in urls for folder in url.split("/")[1:-1]}
    clips = Video.objects.filter(vod_id__in=folders).only("vod_id", "censor_status", "deleted_at")
    is_closed = {clip.vod_id: clip.is_closed for clip in clips}
    elsewhere = []
    for url in urls:
        owners = [is_closed[folder] for folder in url.split("/") if folder in is_closed]
        if any(owners):
            yield url
        elif not owners:
            elsewhere.append(url)
    if elsewhere:
        named = Q(cover__in=elsewhere) | Q(first_frame__in=elsewhere) | Q(source_path__in=elsewhere)
        paths = Video.objects.closed().filter(named)
        taken = set(chain(*paths.values_list("cover", "first_frame", "source_path")))
        yield from taken.intersection(elsewhere)


def _left_today() -> int | None:
    """How many URLs may still be prefetched today; None where the CDN does not tell."""
    try:
        return read_quota().prefetch_remaining
    except CloudError as error:
        # Not worth holding back for: beyond the quota the CDN refuses by itself.
        logger.warning("The CDN's quota could not be read", extra={"reason": str(error)})
        return None


def _take_quota(wanted: UrlsByDelivery, left: int | None) -> UrlsByDelivery:
    """As many of the URLs, in order, as are left (None: all)."""
    fitting: UrlsByDelivery = {}
    for pk, urls in wanted.items():
        part = urls[:left]
        if part:
            fitting[pk] = part
        left = None if left is None else left - len(part)
    return fitting


def _with_left_out(outcome: Outcome, closed: Sequence[str]) -> Outcome:
    if not isinstance(outcome, Sent):
        return outcome
    return replace(outcome, result={**outcome.result, "closed": list(closed)})


def _with_over_quota(outcome: Outcome, beyond: Sequence[str]) -> Outcome:
    """What goes beyond the quota joins the rest, before which the quota is read again."""
    if not beyond or not isinstance(outcome, Sent | NotTaken):
        return outcome
    rest = outcome.rest or Remainder((), _tomorrow())
    return replace(outcome, rest=Remainder((*rest.urls, *beyond), rest.again))


def _note_spent(url_count: int) -> None:
    """What was left when the quota was read is less by now."""
    left = Greatest(F("prefetch_left") - url_count, 0)
    CdnQuota.objects.filter(pk=CdnQuota.ONLY).update(prefetch_left=left)


def _tomorrow() -> Again:
    return Again(TOMORROW, seconds_until_renewed(timezone.now()))


class PurgeHandler(CdnHandler):
    """What a reversed takedown wanted gone is not purged any more."""

    kind = "purge"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        over = CdnTask.objects.filter(delivery__in=batch, takedown__state__in=Takedown.OVER)
        outcomes: dict[int, Outcome] = dict.fromkeys(
            over.values_list("delivery_id", flat=True), TAKEDOWN_OVER
        )
        left = [delivery for delivery in batch if delivery.pk not in outcomes]
        return outcomes | dict(super().deliver(left)) if left else outcomes

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        return cdn_gateway().purge(paths)
