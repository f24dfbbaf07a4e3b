"""Parameters and data of the user operations, in the documented spellings."""

from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from shortvideo.console.errors import BadParameter
from shortvideo.console.fields import Text
from shortvideo.console.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Login:
    user_name: str
    password: str = field(repr=False)  # never in logs


class LoginParameters(Parameters[Login]):
    query_class = Login
    userName = Text(source="user_name")
    password = Text(max_length=None)


class LoginData(TypedDict):
    consoleToken: Annotated[str, {"min_length": 32, "max_length": 32}]


@dataclass(frozen=True, slots=True)
class SignOut:
    """With a password: all tokens of the user. Without: the token of the request."""

    user_name: str = ""
    password: str = field(default="", repr=False)


class SignOutParameters(Parameters[SignOut]):
    query_class = SignOut
    userName = Text(source="user_name", required=False)
    password = Text(max_length=None, required=False)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if "password" in attrs and "user_name" not in attrs:
            raise BadParameter("userName is required with password.")
        return attrs
