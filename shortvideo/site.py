"""The admin site as an app. Its own module: `admin_site` needs models, an app loads before them."""

from django.contrib.admin.apps import AdminConfig
from django.core import checks
from django.db.models.signals import pre_migrate


class ConsoleAdminConfig(AdminConfig):
    default_site = "shortvideo.admin_site.ConsoleAdminSite"

    def ready(self) -> None:
        super().ready()
        # Only now: these modules need models.
        from django.contrib import admin  # noqa: PLC0415

        from shortvideo.database_checks import check_databases, refuse_unfit  # noqa: PLC0415
        from shortvideo.desk.labels import translate_field_labels  # noqa: PLC0415

        translate_field_labels(admin.site._registry)

        checks.register(check_databases, checks.Tags.database)
        pre_migrate.connect(refuse_unfit, sender=self)
