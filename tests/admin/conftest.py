"""The desk as an operator of one role uses it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import Operator
from tests.factories import make_operator
from tests.support.forms import FieldValues, fields_of


@dataclass
class Desk:
    client: Client
    operator: Operator

    def page(self, name: str, *args: Any, **query: Any) -> str:
        """Return the text of a page. The page must answer 200."""
        response = self.client.get(reverse(f"admin:{name}", args=args), query)
        assert response.status_code == 200, response.status_code
        return response.content.decode()

    def status(self, name: str, *args: Any, **query: Any) -> int:
        return self.client.get(reverse(f"admin:{name}", args=args), query).status_code

    def choose(self, action: str, *rows: Model, **fields: Any) -> Any:
        """Post an action on rows of a list. Returns the response (the confirmation page)."""
        options = rows[0]._meta
        url = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        data = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
        return self.client.post(url, data)

    def confirm(self, action: str, *rows: Model, **fields: Any) -> Any:
        """Choose an action and confirm its page. Returns the response."""
        seen = seen_in(self.choose(action, *rows))
        return self.choose(action, *rows, confirmed="1", seen=seen, **fields)

    def do(self, action: str, *rows: Model, **fields: Any) -> str:
        """Run and confirm an action on rows. Returns the desk's messages."""
        response = self.confirm(action, *rows, **fields)
        assert response.status_code == 302, response.content.decode()
        return self.messages(response)

    def url(self, row: Model) -> str:
        """The address of the page of a row."""
        options = row._meta
        return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])

    def form(self, row: Model) -> FieldValues:
        """Open the page of a row. Returns the fields of its form, as a browser sends them."""
        page = self.client.get(self.url(row)).content.decode()
        return fields_of(page, f"{row._meta.model_name}_form")

    def save(self, row: Model, fields: Mapping[str, Any]) -> Any:
        """Post the form of a row."""
        return self.client.post(self.url(row), fields)

    def edit(self, row: Model, **fields: Any) -> Any:
        """Open the page of a row, change fields and save. Returns the response."""
        return self.save(row, {**self.form(row), **fields})

    def messages(self, response: Any) -> str:
        """Return the desk's messages that come with a response."""
        return " ".join(str(message) for message in get_messages(response.wsgi_request))


def seen_in(response: Any) -> list[str]:
    """Return what a page shows of its rows, as its form sends it."""
    return re.findall(r'name="seen" value="([^"]*)"', response.content.decode())


DeskOf = Callable[..., Desk]  # arguments: a role, then field values of the operator


@pytest.fixture
def desk_of(db: None) -> DeskOf:
    def desk_of(role: str, **values: Any) -> Desk:
        operator = make_operator(role, **values)
        client = Client()
        client.force_login(operator, settings.AUTHENTICATION_BACKENDS[-1])
        return Desk(client, operator)

    return desk_of
