"""webhook: events on their way to endpoints."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import orjson
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused
from shortvideo.outbox.models import ATTEMPTS_EXHAUSTED, Delivery

from .models import ERROR_LENGTH, Attempt, Dispatch, Endpoint, Event, EventType
from .patience import (
    OUTAGE,
    SET_ASIDE_SECONDS,
    bring_forward,
    hurry,
    pause_seconds,
    postpone,
    retry_seconds,
    set_aside,
)
from .sending import Answer, new_session, post
from .services import KIND
from .signing import signatures

ENDPOINTS_AT_ONCE: Final = 16
TURN_SECONDS: Final = 2.0  # of one endpoint in a batch; then the other endpoints have theirs

SWITCHED_OFF: Final = Refused("EndpointOff", "Not sent: the endpoint is switched off.")
FORGOTTEN: Final = Refused("EventForgotten", "Not sent: its event is not kept any more.")
GONE: Final = Refused("Gone", "It answered 410 Gone and was switched off.")
GONE_REASON: Final = "It answered 410 Gone."
AWAY: Final = "Not tried: the endpoint failed just before."
NEXT_TURN: Final = "Not tried yet: other endpoints have their turn."


class WebhookHandler(Handler):
    """Endpoints are called side by side, each for one event at a time.

    After a failure an endpoint's other events wait, untried: a dead one costs the others one
    timeout, and less and less often. One that takes its events slowly keeps about as many of them
    due as it took in its turn; the rest is set aside, so that a batch has room for the others
    however long its backlog is.
    """

    kind = KIND
    batch_size = 50

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        shares = list(shares_of(batch))
        with ThreadPoolExecutor(ENDPOINTS_AT_ONCE) as pool:  # starts no more than it needs
            list(pool.map(Share.call, shares))
        outcomes: dict[int, Outcome] = {delivery.pk: FORGOTTEN for delivery in batch}
        for share in shares:
            share.record()
            outcomes |= {row.delivery_id: share.outcome_of(row) for row in share.rows}
        return outcomes


@dataclass(slots=True)
class Share:
    """What a batch has for one endpoint. `answers` has those that were tried, in their order."""

    endpoint: Endpoint
    rows: list[Dispatch]
    answers: dict[int, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A person waits for a test event; it has no place in the order of the others."""
        self.rows.sort(key=lambda row: row.event.type != EventType.PING)

    def call(self) -> None:
        """Send one after the other until one fails or the turn ends; uses no database."""
        ends_at = time.monotonic() + TURN_SECONDS
        with new_session() as session:
            for row in filter(self.may_call, self.rows):
                body = orjson.dumps(row.event.as_json())
                headers = headers_of(row.event, body, self.endpoint)
                answer = post(session, self.endpoint.url, body, headers)
                self.answers[row.pk] = answer
                if not answer.is_accepted or time.monotonic() > ends_at:
                    return

    def may_call(self, row: Dispatch) -> bool:
        """A person who tests an endpoint wants to know, whatever its state."""
        if row.event.type == EventType.PING:
            return True
        return self.endpoint.is_active and not self.endpoint.is_paused(timezone.now())

    def record(self) -> None:
        """Log the attempts, note how the endpoint does, and move what waits for it."""
        if not self.answers:
            return
        failure_count = self.endpoint.failure_count
        with transaction.atomic():
            Attempt.objects.bulk_create(self.attempts())
            note_state(self.endpoint, list(self.answers.values()))
        if self.endpoint.paused_until is not None:
            postpone(self.endpoint, self.endpoint.paused_until)
        elif failure_count >= OUTAGE:
            hurry(self.endpoint)
        elif self.endpoint.is_active and self.untried():
            set_aside(self.endpoint)
        else:
            bring_forward(self.endpoint, self.window)

    @property
    def window(self) -> int:
        """How many events the next turn may have: it grows while the endpoint keeps up."""
        return 2 * len(self.answers)

    def untried(self) -> list[int]:
        return [row.pk for row in self.rows if row.pk not in self.answers]

    def attempts(self) -> Iterator[Attempt]:
        for row in self.rows:
            if answer := self.answers.get(row.pk):
                yield Attempt(
                    dispatch=row,
                    number=row.delivery.attempts,
                    status=answer.status,
                    milliseconds=answer.milliseconds,
                    error=answer.error[:ERROR_LENGTH],
                )

    def outcome_of(self, row: Dispatch) -> Outcome:
        answer = self.answers.get(row.pk)
        if answer is not None:
            return outcome_of(answer, row)
        if not self.endpoint.is_active:
            return SWITCHED_OFF
        now = timezone.now()
        if self.endpoint.paused_until is not None and self.endpoint.is_paused(now):
            seconds = (self.endpoint.paused_until - now).total_seconds()
            return Again(AWAY, delay_seconds=seconds, is_untried=True)
        is_next = row.pk in self.untried()[: self.window]
        delay_seconds = 0 if is_next else SET_ASIDE_SECONDS
        return Again(NEXT_TURN, delay_seconds=delay_seconds, is_untried=True)


def shares_of(batch: Sequence[Delivery]) -> Iterator[Share]:
    """The batch by endpoints, each in the order of the batch; without what has no event."""
    dispatches = Dispatch.objects.select_related("event").filter(delivery__in=batch)
    by_delivery = {row.delivery_id: row for row in dispatches}
    endpoints = Endpoint.objects.in_bulk({row.endpoint_id for row in by_delivery.values()})
    rows: dict[int, list[Dispatch]] = {pk: [] for pk in endpoints}
    for delivery in batch:
        if row := by_delivery.get(delivery.pk):
            row.delivery = delivery
            rows[row.endpoint_id].append(row)
    for pk, endpoint in endpoints.items():
        yield Share(endpoint, rows[pk])


def headers_of(event: Event, body: bytes, endpoint: Endpoint) -> dict[str, str]:
    now = timezone.now()
    timestamp = int(now.timestamp())
    return {
        "X-Console-Event-Id": str(event.uid),
        "X-Console-Event-Type": event.type,
        "X-Console-Timestamp": str(timestamp),
        "X-Console-Signature": signatures(body, timestamp=timestamp, keys=endpoint.secrets(now)),
    }


def outcome_of(answer: Answer, row: Dispatch) -> Outcome:
    if answer.is_accepted:
        return Done({"status": answer.status, "milliseconds": answer.milliseconds})
    if answer.is_gone:
        return GONE
    attempts = row.delivery.attempts
    most = 1 if row.event.type == EventType.PING else settings.WEBHOOK_MAX_ATTEMPTS
    if attempts >= most:
        return Refused(ATTEMPTS_EXHAUSTED, f"Given up after {attempts} attempts: {answer.error}")
    return Again(answer.error, delay_seconds=retry_seconds(attempts))


def note_state(endpoint: Endpoint, answers: Sequence[Answer]) -> None:
    """Write how the last calls of an endpoint went, the last of them last."""
    now, last = timezone.now(), answers[-1]
    names = ["failure_count", "paused_until"]
    if any(answer.is_accepted for answer in answers):
        endpoint.failure_count, endpoint.paused_until = 0, None
        endpoint.last_success_at = now
        names.append("last_success_at")
    if not last.is_accepted:
        endpoint.failure_count += 1
        endpoint.paused_until = pause_end(endpoint, now)
        endpoint.last_failure_at, endpoint.last_error = now, last.error[:ERROR_LENGTH]
        names += ["last_failure_at", "last_error"]
    if last.is_gone:
        endpoint.is_active, endpoint.switched_off_reason = False, GONE_REASON
        endpoint.paused_until = None
        names += ["is_active", "switched_off_reason"]
    endpoint.save(update_fields=names)


def pause_end(endpoint: Endpoint, now: datetime) -> datetime:
    return now + timedelta(seconds=pause_seconds(endpoint.failure_count))
