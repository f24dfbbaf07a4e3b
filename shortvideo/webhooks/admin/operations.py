"""Operations on endpoints and on dead letters."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shortvideo.desk.operations import Operation
from shortvideo.desk.options import ModelAdmin
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from shortvideo.webhooks import services
from shortvideo.webhooks.models import Dispatch, Endpoint


class SendTest(Operation[Endpoint]):
    name = "send_test"
    is_direct = True
    permission = "webhooks.change_endpoint"
    label = gettext_lazy("Send test event")
    title = gettext_lazy("Send a test event")
    verb = gettext_lazy("Send")
    report = gettext_lazy(
        "%(done)d of %(selected)d get a test event within seconds. Their attempts show the result."
    )

    def run(self, row: Endpoint, values: Mapping[str, Any]) -> None:
        services.send_test(row)
        self.model_admin.log_change(self.request, row, "test event")


class RotateSecret(Operation[Endpoint]):
    """Ends with a page that shows the new secret, once."""

    name = "rotate_secret"
    permission = "webhooks.change_endpoint"
    label = gettext_lazy("Change the secret…")
    title = gettext_lazy("Change the secret")
    verb = gettext_lazy("Change")
    explanation = gettext_lazy(
        "The new secret is shown once. For a while each call carries the signatures of both "
        "secrets, so that the backend can change over without losing an event."
    )
    is_destructive = True

    def prepare(self, rows: Sequence[Endpoint]) -> None:
        self.is_single = len(rows) == 1

    def check(self, row: Endpoint) -> None:
        if not self.is_single:
            raise InvalidState(_("Select one endpoint at a time."))

    def run(self, row: Endpoint, values: Mapping[str, Any]) -> None:
        self.secret = services.rotate_secret(row)
        self.model_admin.log_change(self.request, row, "changed the secret")
        row.refresh_from_db()
        self.endpoint = row

    def response(self) -> HttpResponse:
        return secret_page(self.model_admin, self.request, self.endpoint, self.secret)


def secret_page(
    model_admin: ModelAdmin[Endpoint], request: HttpRequest, endpoint: Endpoint, secret: str
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("The secret of %(name)s") % {"name": endpoint},
        "opts": model_admin.opts,
        "endpoint": endpoint,
        "secret": secret,
        "grace_until": endpoint.previous_secret_until,
    }
    return TemplateResponse(request, "admin/webhooks/endpoint/secret.html", context)


class Replay(Operation[Endpoint]):
    name = "replay"
    permission = "webhooks.replay_dispatch"
    label = gettext_lazy("Replay failed events…")
    title = gettext_lazy("Replay failed events")
    verb = gettext_lazy("Replay")
    report = gettext_lazy("%(done)d of %(selected)d get their failed events again.")
    explanation = gettext_lazy(
        "Up to 500 events for each endpoint, oldest first, with their original ids."
    )

    def check(self, row: Endpoint) -> None:
        if not row.is_active:
            raise InvalidState(_("The endpoint is switched off: switch it on first."))
        if not row.dispatches.dead().exists():
            raise InvalidState(_("It has no failed events."))

    def run(self, row: Endpoint, values: Mapping[str, Any]) -> None:
        count = services.replay(row)
        self.model_admin.log_change(self.request, row, f"replayed {count} events")


class ReplayDispatch(Operation[Dispatch]):
    name = "replay"
    is_direct = True
    permission = "webhooks.replay_dispatch"
    label = gettext_lazy("Replay…")
    title = gettext_lazy("Replay webhooks")
    verb = gettext_lazy("Replay")
    report = gettext_lazy("%(done)d of %(selected)d will be sent again.")
    explanation = gettext_lazy("A worker sends them within seconds, with their original ids.")

    def check(self, row: Dispatch) -> None:
        if row.delivery.state != DeliveryState.GIVEN_UP:
            raise InvalidState(_("It has not failed: %s.") % row.delivery.get_state_display())

    def run(self, row: Dispatch, values: Mapping[str, Any]) -> None:
        services.replay_one(row)
        self.model_admin.log_change(self.request, row, "replayed")


class Dismiss(ReplayDispatch):
    name = "dismiss"
    is_direct = False
    label = gettext_lazy("Dismiss…")
    title = gettext_lazy("Dismiss webhooks")
    verb = gettext_lazy("Dismiss")
    report = gettext_lazy("%(done)d of %(selected)d dismissed.")
    explanation = gettext_lazy(
        "They leave the inbox. The endpoint is not told, and they cannot be replayed after this."
    )

    def run(self, row: Dispatch, values: Mapping[str, Any]) -> None:
        outbox.dismiss(row.delivery)
        self.model_admin.log_change(self.request, row, "dismissed")
