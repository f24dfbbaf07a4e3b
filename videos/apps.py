from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VideosConfig(AppConfig):
    name = "videos"
    verbose_name = _("Videos")

    def ready(self) -> None:
        from videos.deliveries import register_handlers  # noqa: PLC0415 - needs loaded models

        register_handlers()
