from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Operator
from accounts.tokens import issue_token
from shortvideo.text import has_invisible, is_blank

_MAX_DAYS = 3650


class Command(BaseCommand):
    help = (
        "Create a console token for a service and print it once. It has the permissions of the "
        "operator. Signing out with the password does not revoke it. It expires after --days days, "
        "and CONSOLE_TOKEN_TTL seconds after its last use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True, help="The operator it acts for.")
        parser.add_argument("--service", required=True, help="Service, for example `app-backend`.")
        parser.add_argument(
            "--days", type=int, default=365, help=f"Days until it expires: 1 to {_MAX_DAYS}."
        )

    def handle(self, *args: Any, username: str, service: str, days: int, **options: Any) -> None:
        try:
            operator = Operator.objects.get_by_natural_key(username)
        except Operator.DoesNotExist:
            raise CommandError(f"There is no operator {username!r}.") from None
        if not (operator.is_active and operator.is_staff):
            raise CommandError(f"{username!r} is not an active staff member: no token would work.")
        if is_blank(service) or len(service) > 64:
            raise CommandError("--service must have 1 to 64 characters, and one that is visible.")
        if has_invisible(service):
            raise CommandError("--service has a character that shows nothing.")
        if not 1 <= days <= _MAX_DAYS:
            raise CommandError(f"--days must be from 1 to {_MAX_DAYS}.")
        expires_at = timezone.now() + timedelta(days=days)
        self.stdout.write(issue_token(operator, service=service, expires_at=expires_at))
