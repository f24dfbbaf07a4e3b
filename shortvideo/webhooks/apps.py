from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    name = "shortvideo.webhooks"
    label = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        from shortvideo.outbox.handlers import register  # noqa: PLC0415 - needs loaded models

        from . import periodic  # noqa: F401, PLC0415 - registers a periodic task
        from .deliveries import WebhookHandler  # noqa: PLC0415 - needs loaded models

        register(WebhookHandler())
