"""The form of a new operator."""

from typing import Any

from django.contrib.auth.forms import UserCreationForm


class OperatorCreationForm(UserCreationForm):  # type: ignore[type-arg]  # not subscriptable
    """Name, password and at least one role: a new operator can log in and do something."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].required = True
