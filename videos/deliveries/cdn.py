"""push_object_cache and purge: what the CDN must fetch, and what it must forget."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from shortvideo.cloud import CloudError, CloudRejected, CloudUnavailable, cdn_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.subject import VideoHandler
from videos.models import CdnQuota, CdnTask, Takedown, Video
from videos.quota import read_quota, seconds_until_renewed
from videos.services.cdn import record_prefetch

logger = logging.getLogger(__name__)

MAX_URLS: Final = 100  # in one call
USED_UP_RETRY_SECONDS: Final = 600.0  # a purge cannot wait for tomorrow: more may be granted
TOMORROW: Final = "Today's quota of the CDN is used up; it goes out tomorrow."
REVERSED: Final = Superseded("The takedown was reversed, or another one took its place.")
WITHDRAWN: Final = "Its video was blocked or deleted meanwhile."
CLOSED: Final = "All of it is of videos that were blocked or deleted."

Pack = dict[int, list[str]]  # URLs by the key of their delivery


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of some URLs: the CDN's tasks, and those that it refused."""

    task_ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __add__(self, other: "Sent") -> "Sent":
        return Sent(self.task_ids + other.task_ids, self.refused + other.refused)


class CdnHandler(VideoHandler):
    """Sends as many tasks in one call as have 100 URLs between them."""

    batch_size = MAX_URLS

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Call the CDN; returns the ids of its tasks."""
        raise NotImplementedError

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        wanted = urls_of(batch)
        return self.send_each(wanted, packs(wanted))

    def send_each(self, wanted: Pack, portions: Iterable[Pack]) -> dict[int, Outcome]:
        """Send pack after pack. What was sent stays sent, whatever becomes of the next pack."""
        outcomes: dict[int, Outcome] = {}
        for pack in portions:
            try:
                outcomes |= self.send(pack)
            except CloudUnavailable as error:  # the next would fail too
                again = Again(str(error), error.retry_after, error.throttled)
                return dict.fromkeys(wanted, again) | outcomes
        return outcomes

    def send(self, pack: Pack) -> dict[int, Outcome]:
        """Send a pack in one call.

        One that is refused, or that goes beyond what is left of the quota, is sent one by one: to
        find what is wrong with it, or what still fits. A task that is refused by itself is divided.
        Raises CloudUnavailable otherwise.
        """
        paths = dict.fromkeys(path for urls in pack.values() for path in urls)
        try:
            task_ids = self.submit([MediaPath(path) for path in paths])
        except CloudRejected as error:
            if len(pack) == 1:
                return dict.fromkeys(pack, self.send_rest(list(paths), error))
        except CloudUnavailable as error:
            if not error.is_quota_used_up:
                raise
            if len(pack) == 1:
                return dict.fromkeys(pack, self.used_up(error))
        else:
            return dict.fromkeys(pack, Done({"task_ids": list(task_ids)}))
        return self.send_each(pack, ({pk: urls} for pk, urls in pack.items()))

    def send_rest(self, paths: Sequence[str], error: CloudRejected) -> Outcome:
        """Send what the CDN takes of a task that it refused as a whole.

        `result["refused"]` has the URLs that it does not take, `result["refusal"]` why. Raises
        CloudUnavailable: then all of it is sent again later, which does no harm.
        """
        sent = self.divide(paths, error)
        if not sent.task_ids:
            return Refused(error.code, str(error), error.request_id)
        reason = f"{len(sent.refused)} of {len(paths)} URLs were refused, first {sent.refused[0]}"
        return Done(
            {
                "task_ids": sent.task_ids,
                "refused": sent.refused,
                "refusal": f"{reason}: {error}",
            }
        )

    def divide(self, paths: Sequence[str], error: CloudRejected) -> Sent:
        """Send refused URLs in halves, down to those that are refused alone."""
        if len(paths) == 1:
            return Sent(refused=[*paths])
        sent, middle = Sent(), len(paths) // 2
        for half in (paths[:middle], paths[middle:]):
            try:
                sent += Sent([*self.submit([MediaPath(path) for path in half])])
            except CloudRejected as refusal:
                sent += self.divide(half, refusal)
        return sent

    def used_up(self, error: CloudUnavailable) -> Again:
        """What becomes of a task that does not fit into what is left of the day's quota.

        No lane is paused for it: a smaller task may fit.
        """
        return Again(str(error), USED_UP_RETRY_SECONDS)

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        task = CdnTask.objects.get(delivery=delivery)
        if delivery.state == DeliveryState.DONE:
            task.state, task.task_ids = CdnTask.State.SUBMITTED, delivery.result["task_ids"]
            task.delivery = delivery  # with its result, which tells what was left out
            task.error_message = task.left_out_note
            task.finished_at = task.attention_at = None  # it may have been given up before
        elif delivery.state == DeliveryState.GIVEN_UP:
            task.finish(CdnTask.State.REFUSED, delivery.error)
        elif delivery.state == DeliveryState.SUPERSEDED:
            task.finish(CdnTask.State.SUPERSEDED, delivery.error)
        else:
            task.error_message = delivery.error  # why it still waits
        task.save(update_fields=["task_ids", *CdnTask.END])


def urls_of(batch: Sequence[Delivery]) -> Pack:
    urls = dict(CdnTask.objects.filter(delivery__in=batch).values_list("delivery", "urls"))
    return {delivery.pk: urls[delivery.pk] for delivery in batch}


def packs(wanted: Pack) -> Iterator[Pack]:
    """The URLs of deliveries by their keys, 100 URLs at most together."""
    pack: Pack = {}
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
        return cdn_gateway().prefetch(paths)

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """Send in order what fits; of the last that does not fit as a whole, a part."""
        wanted, superseded = urls_of(batch), withdrawn(batch)
        closed = of_closed_clips([url for urls in wanted.values() for url in urls])
        open_urls = {pk: [url for url in urls if url not in closed] for pk, urls in wanted.items()}
        superseded |= {pk: Superseded(CLOSED) for pk, urls in open_urls.items() if not urls}
        fitting = fitted(
            {pk: urls for pk, urls in open_urls.items() if pk not in superseded}, left_today()
        )
        sent = self.send_each(fitting, packs(fitting))
        for pk, outcome in sent.items():
            if isinstance(outcome, Done):
                note_spent(len(fitting[pk]))
                rest = open_urls[pk][len(fitting[pk]) :]
                left_out = [url for url in wanted[pk] if url in closed]
                sent[pk] = Done({**outcome.result, "rest": rest, "closed": left_out})
        return dict.fromkeys(wanted, tomorrow()) | superseded | sent

    def used_up(self, error: CloudUnavailable) -> Again:
        """Others have used up meanwhile what was left a moment ago."""
        return tomorrow()

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        if delivery.state == DeliveryState.DONE:
            put_off_rest(delivery)
        super().settle(delivery, outcome)


def withdrawn(batch: Sequence[Delivery]) -> dict[int, Outcome]:
    """Prefetches that the block or the deletion of their video overtook while they waited."""
    tasks = CdnTask.objects.filter(delivery__in=batch).withdrawn()
    return dict.fromkeys(tasks.values_list("delivery_id", flat=True), Superseded(WITHDRAWN))


def of_closed_clips(urls: Sequence[str]) -> set[str]:
    """Which of the URLs are of clips that were blocked or deleted, as far as their places tell.

    VOD puts a video's id into the paths of most of its files; covers may lie anywhere.
    """
    parts = {part for url in urls for part in url.split("/")[1:]}
    clips = Video.objects.closed()
    ids = set(clips.filter(vod_id__in=parts).values_list("vod_id", flat=True))
    found = {url for url in urls if not ids.isdisjoint(url.split("/"))}
    for name in ("cover", "first_frame", "source_path"):
        found.update(clips.filter(**{f"{name}__in": urls}).values_list(name, flat=True))
    return found


def left_today() -> int | None:
    """How many URLs may still be prefetched today; None where the CDN does not tell."""
    try:
        return read_quota().prefetch_remaining
    except CloudError as error:
        # Not worth holding back for: beyond the quota the CDN refuses by itself.
        logger.warning("The CDN's quota could not be read", extra={"reason": str(error)})
        return None


def fitted(wanted: Pack, left: int | None) -> Pack:
    """As many of the URLs, in order, as are left (None: all)."""
    fitting: Pack = {}
    for pk, urls in wanted.items():
        part = urls[:left]
        if part:
            fitting[pk] = part
        left = None if left is None else left - len(part)
    return fitting


def note_spent(url_count: int) -> None:
    """What was left when the quota was read is less by now."""
    left = Greatest(F("prefetch_left") - url_count, 0)
    CdnQuota.objects.filter(pk=CdnQuota.ONLY).update(prefetch_left=left)


def tomorrow() -> Again:
    return Again(TOMORROW, seconds_until_renewed(timezone.now()))


def put_off_rest(delivery: Delivery) -> None:
    """Make a task of its own of the URLs that did not fit any more, due tomorrow."""
    task = CdnTask.objects.select_related("video").get(delivery=delivery)
    rest = delivery.result["rest"]
    if not rest:
        return
    task.urls = [url for url in task.urls if url not in rest]
    task.save(update_fields=["urls"])
    part = CdnTask(
        kind=CdnTask.Kind.PREFETCH,
        urls=rest,
        part_of=task,
        video=task.video,
        operator_id=task.operator_id,
        request_id=task.request_id,
        error_message=TOMORROW,
    )
    record_prefetch(part, delay_seconds=seconds_until_renewed(timezone.now()))


class PurgeHandler(CdnHandler):
    """What a reversed takedown wanted gone is not purged any more."""

    kind = "purge"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        over = CdnTask.objects.filter(delivery__in=batch, takedown__state__in=Takedown.OVER)
        outcomes: dict[int, Outcome] = dict.fromkeys(
            over.values_list("delivery_id", flat=True), REVERSED
        )
        left = [delivery for delivery in batch if delivery.pk not in outcomes]
        return outcomes | dict(super().deliver(left)) if left else outcomes

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        return cdn_gateway().purge(paths)
