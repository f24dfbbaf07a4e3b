from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from django.contrib.auth.models import Group  # noqa: PLC0415 - not loaded before

        from accounts.roles import create_roles  # noqa: PLC0415 - not loaded before

        # The desk's word. Migrations compare the model's own Meta, which stays.
        Group._meta.verbose_name, Group._meta.verbose_name_plural = _("role"), _("roles")
        post_migrate.connect(create_roles, dispatch_uid="accounts.create_roles")
