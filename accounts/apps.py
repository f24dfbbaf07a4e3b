from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts.roles import create_roles  # noqa: PLC0415 - models are not loaded before

        post_migrate.connect(create_roles, dispatch_uid="accounts.create_roles")
