from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class VideosConfig(AppConfig):
    name = "videos"
    verbose_name = _("Videos")

    def ready(self) -> None:
        from videos import periodic  # noqa: F401, PLC0415 - its tasks register themselves
        from videos.catalogue import sqlite  # noqa: PLC0415 - needs loaded models
        from videos.checks import check_triggers, check_vod_settings  # noqa: PLC0415 - likewise
        from videos.deliveries import register_handlers  # noqa: PLC0415 - needs loaded models
        from videos.models import append_only  # noqa: PLC0415 - needs loaded models

        register_handlers()
        checks.register(check_vod_settings)
        checks.register(check_triggers, checks.Tags.database)
        post_migrate.connect(append_only.install, sender=self)
        post_migrate.connect(sqlite.install_index, sender=self)
