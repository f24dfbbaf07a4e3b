from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    name = "shortvideo.outbox"
    label = "outbox"
    verbose_name = _("VOD calls")

    def ready(self) -> None:
        from shortvideo.outbox import pruning  # noqa: F401, PLC0415 - registers a periodic task
