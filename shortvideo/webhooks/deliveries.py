"""webhook: POST events to endpoints."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import orjson
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused
from shortvideo.outbox.models import ATTEMPTS_EXHAUSTED, Delivery

from .models import ERROR_LENGTH, Attempt, Dispatch, Endpoint, Event, EventType
from .scheduling import (
    DEFER_SECONDS,
    OUTAGE_FAILURES,
    defer,
    make_all_due,
    make_deferred_due,
    pause_seconds,
    postpone,
    retry_seconds,
)
from .sending import Answer, new_session, post
from .services import KIND
from .signing import signatures

TURN_SECONDS: Final = 2.0  # of one endpoint in a batch; then it is the turn of other endpoints
_ENDPOINTS_AT_ONCE: Final = 16

_SWITCHED_OFF: Final = Refused("EndpointOff", "Not sent: the endpoint is switched off.")
_EVENT_DELETED: Final = Refused("EventForgotten", "Not sent: the event has been deleted.")
_GONE: Final = Refused("Gone", "It answered 410 Gone and was switched off.")
_GONE_REASON: Final = "It answered 410 Gone."
_PAUSED: Final = "Not tried: the endpoint failed just before."
_NEXT_TURN: Final = "Not tried yet: it is the turn of other endpoints."


class WebhookHandler(Handler):
    """Calls the endpoints of a batch in parallel, each with one event at a time.

    After a failure the other events of the endpoint wait untried: a dead endpoint costs the others
    one timeout per pause, and its pauses grow. After a turn that left events untried, up to twice
    as many as it took stay due; the rest is deferred, so that a batch has room for other endpoints.
    """

    kind = KIND
    batch_size = 50

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        parts = list(_split_by_endpoint(batch))
        with ThreadPoolExecutor(_ENDPOINTS_AT_ONCE) as pool:  # starts no more than it needs
            list(pool.map(EndpointBatch.call, parts))
        outcomes: dict[int, Outcome] = {delivery.pk: _EVENT_DELETED for delivery in batch}
        for part in parts:
            part.apply_answers()
            outcomes |= {row.delivery_id: part.outcome_of(row) for row in part.rows}
        return outcomes


@dataclass(slots=True)
class EndpointBatch:
    """The part of a batch for one endpoint.

    `answers` holds the rows that were tried, by primary key and in the order of the calls.
    """

    endpoint: Endpoint
    rows: list[Dispatch]
    answers: dict[int, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Test events first: an operator waits for them, and order does not matter to them."""
        self.rows.sort(key=lambda row: row.event.type != EventType.PING)

    def call(self) -> None:
        """Send the events until one fails or the turn ends; uses no database."""
        ends_at = time.monotonic() + TURN_SECONDS
        with new_session() as session:
            for row in filter(self.may_call, self.rows):
                body = orjson.dumps(row.event.as_json())
                headers = _request_headers(row.event, body, self.endpoint)
                answer = post(session, self.endpoint.url, body, headers)
                self.answers[row.pk] = answer
                if not answer.is_accepted or time.monotonic() > ends_at:
                    return

    def may_call(self, row: Dispatch) -> bool:
        """Test events are sent whatever the endpoint's state is."""
        if row.event.type == EventType.PING:
            return True
        return self.endpoint.is_active and not self.endpoint.is_paused(timezone.now())

    def apply_answers(self) -> None:
        """Log the attempts, update the endpoint, and reschedule its other events."""
        if not self.answers:
            return
        failure_count = self.endpoint.failure_count
        with transaction.atomic():
            Attempt.objects.bulk_create(self.attempts())
            _update_endpoint(self.endpoint, list(self.answers.values()))
        if self.endpoint.paused_until is not None:
            postpone(self.endpoint, self.endpoint.paused_until)
        elif failure_count >= OUTAGE_FAILURES:
            make_all_due(self.endpoint)
        elif self.endpoint.is_active and self.untried():
            defer(self.endpoint)
        else:
            make_deferred_due(self.endpoint, self.window)

    @property
    def window(self) -> int:
        """How many events are due for the next turn: it doubles while the endpoint keeps up."""
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
            return _answer_outcome(answer, row)
        if not self.endpoint.is_active:
            return _SWITCHED_OFF
        now = timezone.now()
        if self.endpoint.paused_until is not None and self.endpoint.is_paused(now):
            seconds = (self.endpoint.paused_until - now).total_seconds()
            return Again(_PAUSED, delay_seconds=seconds, is_untried=True)
        is_next = row.pk in self.untried()[: self.window]
        delay_seconds = 0 if is_next else DEFER_SECONDS
        return Again(_NEXT_TURN, delay_seconds=delay_seconds, is_untried=True)


def _split_by_endpoint(batch: Sequence[Delivery]) -> Iterator[EndpointBatch]:
    """One part for each endpoint, in the order of the batch; skips deliveries without an event."""
    dispatches = Dispatch.objects.select_related("event").filter(delivery__in=batch)
    by_delivery = {row.delivery_id: row for row in dispatches}
    endpoints = Endpoint.objects.in_bulk({row.endpoint_id for row in by_delivery.values()})
    rows: dict[int, list[Dispatch]] = {pk: [] for pk in endpoints}
    for delivery in batch:
        if row := by_delivery.get(delivery.pk):
            row.delivery = delivery
            rows[row.endpoint_id].append(row)
    for pk, endpoint in endpoints.items():
        yield EndpointBatch(endpoint, rows[pk])


def _request_headers(event: Event, body: bytes, endpoint: Endpoint) -> dict[str, str]:
    now = timezone.now()
    timestamp = int(now.timestamp())
    return {
        "X-Console-Event-Id": str(event.uid),
        "X-Console-Event-Type": event.type,
        "X-Console-Timestamp": str(timestamp),
        "X-Console-Signature": signatures(body, timestamp=timestamp, keys=endpoint.secrets(now)),
    }


def _answer_outcome(answer: Answer, row: Dispatch) -> Outcome:
    if answer.is_accepted:
        return Done({"status": answer.status, "milliseconds": answer.milliseconds})
    if answer.is_gone:
        return _GONE
    attempts = row.delivery.attempts
    most = 1 if row.event.type == EventType.PING else settings.WEBHOOK_MAX_ATTEMPTS
    if attempts >= most:
        return Refused(ATTEMPTS_EXHAUSTED, f"Given up after {attempts} attempts: {answer.error}")
    return Again(answer.error, delay_seconds=retry_seconds(attempts))


def _update_endpoint(endpoint: Endpoint, answers: Sequence[Answer]) -> None:
    """Write successes, failures and the pause of an endpoint; `answers` in the order of calls."""
    now, last = timezone.now(), answers[-1]
    names = ["failure_count", "paused_until"]
    if any(answer.is_accepted for answer in answers):
        endpoint.failure_count, endpoint.paused_until = 0, None
        endpoint.last_success_at = now
        names.append("last_success_at")
    if not last.is_accepted:
        endpoint.failure_count += 1
        pause = timedelta(seconds=pause_seconds(endpoint.failure_count))
        endpoint.paused_until = now + pause
        endpoint.last_failure_at, endpoint.last_error = now, last.error[:ERROR_LENGTH]
        names += ["last_failure_at", "last_error"]
    if last.is_gone:
        endpoint.is_active, endpoint.switched_off_reason = False, _GONE_REASON
        endpoint.paused_until = None
        names += ["is_active", "switched_off_reason"]
    endpoint.save(update_fields=names)
