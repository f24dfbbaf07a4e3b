"""push_object_cache and purge: what the CDN must fetch, and what it must forget."""

from collections.abc import Iterator, Mapping, Sequence

from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable, cdn_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.models import CdnTask

MAX_URLS = 100  # in one call

Pack = dict[int, list[str]]  # URLs by the key of their delivery


class CdnHandler(Handler):
    """Sends as many tasks in one call as have 100 URLs between them."""

    batch_size = MAX_URLS

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Call the CDN; returns the ids of its tasks."""
        raise NotImplementedError

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """Send pack after pack. What was sent stays sent, whatever becomes of the next pack."""
        outcomes: dict[int, Outcome] = {}
        for pack in packs(batch):
            outcomes |= self.send(pack)
            if any(isinstance(outcomes[pk], Again) for pk in pack):  # the next would fail too
                again = next(outcomes[pk] for pk in pack if isinstance(outcomes[pk], Again))
                return {delivery.pk: again for delivery in batch} | outcomes
        return outcomes

    def send(self, pack: Pack) -> dict[int, Outcome]:
        """Send a pack; one that is refused is sent one by one, to find what is wrong with it."""
        paths = dict.fromkeys(path for urls in pack.values() for path in urls)
        try:
            task_ids = self.submit([MediaPath(path) for path in paths])
        except CloudUnavailable as error:
            return dict.fromkeys(pack, Again(str(error), error.retry_after, error.throttled))
        except CloudRejected as error:
            if len(pack) == 1:
                return dict.fromkeys(pack, Refused(error.code, str(error), error.request_id))
            alone = [self.send({pk: urls}) for pk, urls in pack.items()]
            return {pk: outcome for outcomes in alone for pk, outcome in outcomes.items()}
        return dict.fromkeys(pack, Done({"task_ids": list(task_ids)}))

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        task = CdnTask.objects.get(delivery=delivery)
        if delivery.state == DeliveryState.DONE:
            task.state, task.task_ids = CdnTask.State.SUBMITTED, delivery.result["task_ids"]
            task.error_message = ""
        elif delivery.state == DeliveryState.GIVEN_UP:
            task.state, task.error_message = CdnTask.State.REFUSED, delivery.error
            task.finished_at = timezone.now()
        elif delivery.state == DeliveryState.SUPERSEDED:
            task.state, task.error_message = CdnTask.State.SUPERSEDED, delivery.error
            task.finished_at = timezone.now()
        task.save(update_fields=["state", "task_ids", "error_message", "finished_at"])


def packs(batch: Sequence[Delivery]) -> Iterator[Pack]:
    """The URLs of deliveries by their keys, 100 URLs at most together."""
    urls = dict(CdnTask.objects.filter(delivery__in=batch).values_list("delivery", "urls"))
    pack: Pack = {}
    for delivery in batch:
        if pack and sum(map(len, pack.values())) + len(urls[delivery.pk]) > MAX_URLS:
            yield pack
            pack = {}
        pack[delivery.pk] = urls[delivery.pk]
    yield pack


class PrefetchHandler(CdnHandler):
    kind = "push_object_cache"

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        return cdn_gateway().prefetch(paths)


class PurgeHandler(CdnHandler):
    kind = "purge"

    def submit(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        return cdn_gateway().purge(paths)
