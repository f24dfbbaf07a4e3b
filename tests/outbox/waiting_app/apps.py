from django.apps import AppConfig


class WaitingAppConfig(AppConfig):
    name = "tests.outbox.waiting_app"
    label = "waiting_app"

    def ready(self) -> None:
        from shortvideo.outbox.handlers import register

        from .handler import QuickHandler, WaitingHandler, announce_stop

        register(WaitingHandler())
        register(QuickHandler())
        announce_stop()
