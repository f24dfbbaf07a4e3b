"""What operators do to endpoints, and to events that were given up."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ModelAdmin
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from shortvideo.webhooks import services
from shortvideo.webhooks.models import Dispatch, Endpoint


class SendTest(Operation[Endpoint]):
    name = "send_test"
    title = gettext_lazy("Send a test event")
    verb = gettext_lazy("Send")
    done = gettext_lazy("will be sent a test event within seconds: its attempts show how it went")

    def __init__(self, model_admin: ModelAdmin[Endpoint]) -> None:
        self.model_admin = model_admin

    def run(self, row: Endpoint, values: Mapping[str, Any], request: HttpRequest) -> None:
        services.send_test(row)
        self.model_admin.log_change(request, row, "test event")


class RotateSecret(Operation[Endpoint]):
    """Its end is a page of its own: the new secret is shown there, once."""

    name = "rotate_secret"
    title = gettext_lazy("Change the secret")
    verb = gettext_lazy("Change")
    explanation = gettext_lazy(
        "The new secret is shown once. For a while calls carry the signatures of both secrets, so "
        "that the backend can change over without losing an event."
    )
    is_destructive = True

    def refusals(self, rows: Sequence[Endpoint]) -> Mapping[int, str]:
        return {row.pk: _("One endpoint at a time.") for row in rows} if len(rows) > 1 else {}


class Replay(Operation[Endpoint]):
    name = "replay"
    title = gettext_lazy("Replay what was given up")
    verb = gettext_lazy("Replay")
    done = gettext_lazy("will be sent what was given up")
    explanation = gettext_lazy(
        "Up to 500 events for each endpoint, oldest first, with the ids that they had."
    )

    def __init__(self, model_admin: ModelAdmin[Endpoint]) -> None:
        self.model_admin = model_admin

    def refusals(self, rows: Sequence[Endpoint]) -> Mapping[int, str]:
        return {row.pk: text for row in rows if (text := self.refusal(row))}

    def refusal(self, row: Endpoint) -> str:
        if not row.is_active:
            return _("The endpoint is switched off: switch it on first.")
        return "" if row.dispatches.dead().exists() else _("Nothing was given up.")

    def run(self, row: Endpoint, values: Mapping[str, Any], request: HttpRequest) -> None:
        count = services.replay(row)
        self.model_admin.log_change(request, row, f"replayed {count} events")


class OfDeadLetter(Operation[Dispatch]):
    def __init__(self, model_admin: ModelAdmin[Dispatch]) -> None:
        self.model_admin = model_admin

    def refusals(self, rows: Sequence[Dispatch]) -> Mapping[int, str]:
        return {row.pk: text for row in rows if (text := self.refusal(row))}

    def refusal(self, row: Dispatch) -> str:
        if row.delivery.state == DeliveryState.GIVEN_UP:
            return ""
        return _("It is not given up: %s.") % row.delivery.get_state_display()


class ReplayDispatch(OfDeadLetter):
    name = "replay"
    title = gettext_lazy("Replay webhooks")
    verb = gettext_lazy("Replay")
    done = gettext_lazy("will be sent again")
    explanation = gettext_lazy("A worker sends them within seconds, with the ids that they had.")

    def run(self, row: Dispatch, values: Mapping[str, Any], request: HttpRequest) -> None:
        services.replay_one(row)
        self.model_admin.log_change(request, row, "replayed")


class Dismiss(OfDeadLetter):
    name = "dismiss"
    title = gettext_lazy("Dismiss webhooks")
    verb = gettext_lazy("Dismiss")
    done = gettext_lazy("dismissed")
    explanation = gettext_lazy(
        "They leave the inbox. The endpoint is not told, and they can not be replayed after this."
    )

    def run(self, row: Dispatch, values: Mapping[str, Any], request: HttpRequest) -> None:
        outbox.dismiss(row.delivery)
        self.model_admin.log_change(request, row, "dismissed")
