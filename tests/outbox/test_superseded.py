"""A superseded delivery ends without a call, and `settle` is called for it."""

from collections.abc import Callable

import pytest

from shortvideo.outbox import services
from shortvideo.outbox.handlers import Superseded
from shortvideo.outbox.models import DeliveryState
from shortvideo.outbox.worker import work_once

from .support import ScriptedHandler, send

pytestmark = pytest.mark.django_db

Register = Callable[..., ScriptedHandler]


def test_a_replaced_delivery_is_settled_with_its_followers(
    register: Register,
) -> None:
    audits, purges = register("audit"), register("purge")
    audit = send(kind="audit", delay_seconds=3600)
    purge = send(kind="purge", after=audit)
    check = send("v1-check", kind="purge", after=purge)
    send(kind="audit", supersede=True)
    assert [(told.subject, told.state) for told in audits.settled] == [("v1", "superseded")]
    assert [told.subject for told in purges.settled] == [purge.subject, check.subject]
    assert {type(told.outcome) for told in purges.settled} == {Superseded}


def test_a_cancelled_delivery_is_settled_as_superseded(handler: ScriptedHandler) -> None:
    services.cancel(send(delay_seconds=3600))
    assert [told.state for told in handler.settled] == [DeliveryState.SUPERSEDED]


def test_a_handler_may_supersede_instead_of_sending(register: Register) -> None:
    audits = register("audit", answer=lambda _: Superseded("A newer decision exists."))
    purges = register("purge")
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    work_once()
    audit.refresh_from_db()
    purge.refresh_from_db()
    assert (audit.state, audit.error) == (DeliveryState.SUPERSEDED, "A newer decision exists.")
    assert purge.state == DeliveryState.SUPERSEDED
    assert [told.state for told in audits.settled] == [DeliveryState.SUPERSEDED]
    assert not purges.calls
