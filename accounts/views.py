"""The user operations of the console API."""

from accounts.models import ConsoleToken
from accounts.serializers import Login, LoginData, LoginParameters, SignOut, SignOutParameters
from accounts.services import check_credentials, log_in
from accounts.tokens import find_token, issue_token, revoke_personal_tokens, revoke_token
from shortvideo.console.envelope import Envelope
from shortvideo.console.errors import BadParameter, Conflict
from shortvideo.console.views import DialectView
from shortvideo.errors import ErrorCode


class LoginView(DialectView[Login]):  # POST /console/user/login
    """Log in with a password. A token in the request is ignored."""

    http_method_names = ["post"]
    parameters_class = LoginParameters
    data_class = LoginData

    def respond(self, query: Login) -> Envelope:
        operator = log_in(self.request._request, user_name=query.user_name, password=query.password)
        secret = issue_token(operator, request_id=self.request_id)
        return Envelope("Logon is successful.", LoginData(consoleToken=secret))


class SignOutView(DialectView[SignOut]):  # POST /console/user/signOut
    """Revoke the request's token; with a password all of the user's tokens."""

    http_method_names = ["post"]
    parameters_class = SignOutParameters

    def respond(self, query: SignOut) -> Envelope:
        token = find_token(self.parsed_request.token) if self.parsed_request.token else None
        if query.password:
            self.revoke_all(query, token)
        elif not self.parsed_request.token:
            raise BadParameter("consoleToken, or userName and password, are required.")
        if token is not None:
            revoke_token(token, operator=token.operator, request_id=self.request_id)
        return Envelope("Logoff is complete.")

    def revoke_all(self, query: SignOut, token: ConsoleToken | None) -> None:
        operator = check_credentials(
            self.request._request, user_name=query.user_name, password=query.password
        )
        if token is not None and token.operator_id != operator.pk:
            raise Conflict(
                "The console token belongs to another user than userName.", ErrorCode.OTHER_USER
            )
        revoke_personal_tokens(operator, request_id=self.request_id)
