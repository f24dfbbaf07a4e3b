import secrets
import sys
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import Operator
from accounts.roles import ROLES


class Command(BaseCommand):
    help = (
        "Create an operator with a role, or set the role and password of an existing one. "
        "Without --password-stdin a random password is printed once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True, help="The name to log in with.")
        parser.add_argument(
            "--role", required=True, choices=list(ROLES), help="Role of the operator."
        )
        parser.add_argument("--email", default="", help="E-mail address; may be empty.")
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the password from stdin (one line)."
        )

    def handle(
        self,
        *args: Any,
        username: str,
        role: str,
        email: str,
        password_stdin: bool,
        **options: Any,
    ) -> None:
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
        if password_stdin and not password:
            raise CommandError("There is no password on standard input.")
        new_password = password or secrets.token_urlsafe(12)
        operator, is_new = _save_operator(
            username=username, role=role, email=email, password=new_password
        )
        verb = "Created" if is_new else "Changed"
        self.stdout.write(f"{verb} the operator {operator.username} ({role}).")
        if not password:
            self.stdout.write(f"Password: {new_password}")


@transaction.atomic
def _save_operator(*, username: str, role: str, email: str, password: str) -> tuple[Operator, bool]:
    """Return the operator, and whether it is new. Raises CommandError for invalid values."""
    try:
        operator, is_new = Operator.objects.get_by_natural_key(username), False
    except Operator.DoesNotExist:
        operator, is_new = Operator(username=username), True
    operator.email = email or operator.email
    operator.is_staff = operator.is_active = True
    operator.set_password(password)
    try:
        operator.full_clean()
    except ValidationError as error:
        problems = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
        raise CommandError(" ".join(problems)) from error
    try:
        validate_password(password, operator)
    except ValidationError as error:
        raise CommandError(f"password: {' '.join(error.messages)}") from error
    operator.save()
    operator.groups.set([Group.objects.get(name=role)])
    return operator, is_new
