"""The base of the operations of the console API that need a token."""

from typing import ClassVar

from accounts.models import Operator
from accounts.tokens import authenticate_token
from shortvideo.console.errors import MissingPermission, NotLoggedIn
from shortvideo.console.parameters import Query
from shortvideo.console.views import DialectView


class ConsoleView(DialectView[Query]):
    """An operation for operators with one permission."""

    permission_required: ClassVar[str]
    operator: Operator

    def check_access(self) -> None:
        """Find the operator behind the token. Raises NotLoggedIn or MissingPermission."""
        secret, problem = self.parsed_request.token, self.parsed_request.problem
        if not secret and problem is not None and problem.may_hold_token:
            raise problem  # the token may be in the unreadable body
        token = authenticate_token(secret) if secret else None
        if token is None:
            raise NotLoggedIn
        self.operator = token.operator
        self.require(self.permission_required)

    def require(self, permission: str) -> None:
        """Raise MissingPermission if the operator lacks the permission."""
        if not self.operator.has_perm(permission):
            raise MissingPermission(permission)
