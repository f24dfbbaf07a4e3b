from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Operator
from accounts.tokens import issue_token


class Command(BaseCommand):
    help = (
        "Create a console token for a service and print it once. It has the permissions of the "
        "operator. Signing out with the password does not revoke it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True, help="The operator it acts for.")
        parser.add_argument("--service", required=True, help="Service, for example `app-backend`.")

    def handle(self, *args: Any, username: str, service: str, **options: Any) -> None:
        operator = Operator.objects.filter(username=username).first()
        if operator is None:
            raise CommandError(f"There is no operator {username!r}.")
        if not (operator.is_active and operator.is_staff):
            raise CommandError(f"{username!r} is not an active staff member: no token would work.")
        if not 1 <= len(service) <= 64:
            raise CommandError("--service must have 1 to 64 characters.")
        self.stdout.write(issue_token(operator, service=service))
