from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VideosConfig(AppConfig):
    name = "videos"
    verbose_name = _("Videos")

    def ready(self) -> None:
        from videos import periodic  # noqa: F401, PLC0415 - registers itself; needs loaded models
        from videos.deliveries import register_handlers  # noqa: PLC0415 - needs loaded models

        register_handlers()
