from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count
from django.utils import timezone

from accounts.lockout import recent_failures


class Command(BaseCommand):
    help = "List the failed logins that count, by address and user name."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = recent_failures(timezone.now()).order_by("ip_address", "username")
        counted = rows.values_list("ip_address", "username").annotate(Count("pk"))
        for address, name, count in counted:
            self.stdout.write(f"{address}\t{name}\t{count}")
