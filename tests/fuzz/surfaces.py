"""What is fuzzed: the desk's pages and forms, the API's operations, and VOD's callbacks.

A surface makes the request of a number: the same seed and number, the same request.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from shortvideo.cloud.events import sign
from shortvideo.desk.operations import Operation
from tests.fuzz.junk import Junk
from videos.events.inbox import READ_REQUESTS

Pairs = list[tuple[str, str]]
FORM: Final = "application/x-www-form-urlencoded"
_ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")
_FIELD = re.compile(r'<(?:input|select|textarea|button)\b[^>]*\bname="([^"]+)"[^>]*>')
_FIELD_VALUE = re.compile(r'\bvalue="([^"]*)"')


@dataclass(frozen=True)
class Shot:
    """One request. `who` is a role, or "" without login."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str = FORM
    who: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        url = f"{self.path}?{self.query}" if self.query else self.path
        return f"{self.who or 'nobody'}: {self.method} {url} {self.body!r}"


@dataclass(frozen=True)
class Page:
    """A URL of the desk with places for arguments, and the model it is about."""

    route: str
    model: type[Model] | None = None
    good: Mapping[str, str] = field(default_factory=dict)  # by argument

    def path(self, junk: Junk | None = None) -> str:
        """The URL with good arguments; with `junk`, now and then with bad ones."""

        def argument(match: "re.Match[str]") -> str:
            good = self.good.get(match[2], "1")
            if junk is None or junk.random.random() < 0.7:
                return good
            return quote(junk.value(good), safe="/" if match[1] == "path" else "")

        return _ARGUMENT.sub(argument, self.route)

    @property
    def weight(self) -> int:
        """Lists, autocompletion, and calls of scripts read most of what is sent."""
        is_list = self.model is not None and self.route.count("/") == 4
        is_read = "autocomplete" in self.route or self.route.startswith("/admin/review/")
        return 12 if is_list else 6 if is_read or "preferences" in self.route else 1


def desk_pages(review: Mapping[str, str]) -> list[Page]:
    """Every URL of the desk, also those that models add. `review` fills the calls of its script."""
    models = {model._meta.label_lower.replace(".", "/"): model for model in admin.site._registry}
    pages = []
    desk = filter(_is_of_desk, get_resolver().url_patterns)
    for route in chain.from_iterable(_routes(each, "/") for each in desk):
        if route.startswith("/admin/review/"):
            pages.append(Page(route, good=review))
            continue
        model = models.get("/".join(route.split("/")[2:4]))
        newest = model._default_manager.order_by("pk").last() if model else None
        key = str(newest.pk) if newest else "1"
        pages.append(Page(route, model, {"object_id": key, "id": key, "evidence_id": key}))
    return pages


def _is_of_desk(pattern: "URLPattern | URLResolver") -> bool:
    return str(pattern.pattern).startswith("admin/")


def _routes(pattern: "URLPattern | URLResolver", prefix: str) -> Iterator[str]:
    """The routes below a pattern. A regular expression stands for any word."""
    own = getattr(pattern.pattern, "_route", None)
    route = prefix + (own if own is not None else "<str:app_label>/")
    if isinstance(pattern, URLPattern):
        yield route
        return
    for child in pattern.url_patterns:
        yield from _routes(child, route)


def _paths_of(model: type[Model] | None) -> list[str]:
    """The names of the model's fields, and of those of related models."""
    if model is None:
        return ["id"]
    paths = ["pk", "id"]
    for each in model._meta.get_fields():
        paths.append(each.name)
        if each.is_relation and isinstance(each.related_model, type):
            paths += [
                f"{each.name}__{other.name}" for other in each.related_model._meta.get_fields()
            ]
    return paths


class Desk:
    """Pages and people: most requests come from those who may see everything."""

    def __init__(self, pages: list[Page], roles: list[str]) -> None:
        self.pages, self.weights = pages, [page.weight for page in pages]
        self.roles = roles

    def page(self, random: Random) -> Page:
        return random.choices(self.pages, self.weights)[0]

    def role(self, random: Random) -> str:
        return "root" if random.random() < 0.7 else random.choice(self.roles)


class DeskGets(Desk):
    """GET of any page of the desk, by any role, with a junk query string."""

    def shot(self, random: Random) -> Shot:
        junk = Junk(random)
        page = self.page(random)
        paths, own = _paths_of(page.model), _own_parameters(page)
        names = [junk.name(*paths, own=own) for _ in range(random.randrange(4))]
        key = page.good.get("object_id", "1")
        query = [(name, junk.value(page.good.get(name, key))) for name in names]
        return Shot("GET", page.path(junk), urlencode(query), who=self.role(random))


def _own_parameters(page: Page) -> list[str]:
    """The parameters of the list's own filters and links, or those of the completion."""
    if page.model is None:
        return [*page.good, "app_label", "model_name", "field_name", "term", "page"]
    model_admin = admin.site._registry[page.model]
    names = ["o", "q", "p", *getattr(model_admin, "linked_lookups", ())]
    for each in model_admin.list_filter:
        path = each[0] if isinstance(each, tuple) else getattr(each, "parameter_name", each)
        names += [
            str(path),
            *(f"{path}{end}" for end in ("__exact", "__id__exact", "_from", "_to")),
        ]
    return names


class DeskPosts(Desk):
    """POST of any form of the desk: its own fields, some of them with junk."""

    def __init__(self, pages: list[Page], roles: list[str], client: Client) -> None:
        super().__init__(pages, roles)
        self.forms = {page.route: _form_of(client, page) for page in pages}
        self.fields = sorted(
            {name for each in _operations() for name in each.form_class.base_fields}
        )

    def shot(self, random: Random) -> Shot:
        junk = Junk(random)
        page, share = self.page(random), random.choice((0.5, 0.9, 1.0))
        body = [
            (name, value if random.random() < 0.6 else junk.value(value))
            for name, value in self.forms[page.route]
            if random.random() < share  # of the fields, buttons too
        ]
        if random.random() < 0.5:
            body += self._action(junk, page)
        body += [(junk.name(*self.fields), junk.value()) for _ in range(random.randrange(2))]
        query = [(junk.name("id"), junk.value())] if random.random() < 0.2 else []
        return Shot(
            "POST",
            page.path(junk),
            urlencode(query),
            urlencode(body).encode(),
            who=self.role(random),
        )

    def _action(self, junk: Junk, page: Page) -> Pairs:
        random, key = junk.random, page.good.get("object_id", "1")
        actions = [each.name for each in _operations(page.model)] or ["delete_selected"]
        body = [("action", random.choice(actions)), ("_selected_action", key)]
        body += [("_selected_action", junk.value(key)) for _ in range(random.randrange(3))]
        body += [(name, junk.value("text")) for name in self.fields if random.random() < 0.5]
        for name in ("confirmed", "index", "select_across", "decisions", "next"):
            if random.random() < 0.4:
                body.append((name, junk.value("1", "0")))
        return body


def _operations(of: type[Model] | None = None) -> Iterator[type[Operation[Any]]]:
    for model, each in admin.site._registry.items():
        if of in (None, model):
            yield from getattr(each, "operations", ())


def _form_of(client: Client, page: Page) -> Pairs:
    """The fields of the page's forms with their values, or of what its script sends."""
    if page.route.startswith("/admin/review/"):
        return list(page.good.items())
    response = client.get(page.path())
    if response.streaming or "html" not in response.get("Content-Type", ""):
        return []
    fields = []
    for match in _FIELD.finditer(response.content.decode()):
        value = _FIELD_VALUE.search(match[0])
        fields.append((match[1], value[1] if value else "on"))
    return fields


class Operations:
    """GET or POST of the API's operations: junk parameters in the query, in forms and in JSON."""

    def __init__(self, tokens: Mapping[str, str], good: Mapping[str, str]) -> None:
        self.tokens, self.good = tokens, good
        self.operations = list(operations_of_the_api())

    def shot(self, random: Random) -> Shot:
        junk = Junk(random)
        path, names = random.choice(self.operations)
        pairs: list[tuple[str, Any]] = [
            (name, junk.value(self.good.get(name, "1"))) for name in names if random.random() < 0.6
        ]
        pairs += [(junk.name(*names), junk.value()) for _ in range(random.randrange(2))]
        who = random.choice(list(self.tokens))
        headers = {"authorization": f"Bearer {self.tokens[who]}"} if random.random() < 0.95 else {}
        method = random.choice(("GET", "POST"))
        if method == "GET":
            return Shot(method, path, urlencode(pairs), who=who, headers=headers)
        if random.random() < 0.5:
            return Shot(method, path, "", urlencode(pairs).encode(), who=who, headers=headers)
        values = {name: junk.json() if random.random() < 0.2 else value for name, value in pairs}
        body = json.dumps(values).encode()
        return Shot(method, path, "", body, "application/json", who=who, headers=headers)


def operations_of_the_api() -> Iterator[tuple[str, list[str]]]:
    """The path of each operation, and the names of its parameters."""
    for pattern in get_resolver().url_patterns:
        if _is_of_desk(pattern):
            continue
        for path, view in _views(pattern, "/"):
            parameters = getattr(getattr(view, "cls", None), "parameters_class", None)
            yield path, list(parameters().fields) if parameters else []


def _views(pattern: "URLPattern | URLResolver", prefix: str) -> Iterator[tuple[str, Any]]:
    route = prefix + getattr(pattern.pattern, "_route", "unknown")
    if isinstance(pattern, URLPattern):
        yield route, pattern.callback
        return
    for child in pattern.url_patterns:
        yield from _views(child, route)


class Callbacks:
    """POST of VOD's callbacks, most of them signed: junk where VOD has facts."""

    keys = (
        "VideoId", "MediaId", "EventTime", "Status", "JobId", "JobIds", "Extend", "MediaType",
        "StreamInfos", "SnapshotInfos", "Data", "MediaContent", "FileUrl", "Size", "Duration",
    )  # fmt: skip

    def __init__(self, url: str, key: str, timestamp: int, vod_id: str) -> None:
        self.timestamp, self.vod_id = str(timestamp), vod_id
        self.signature = sign(url, self.timestamp, key)

    def shot(self, random: Random) -> Shot:
        junk = Junk(random)
        content: dict[str, object] = {"EventType": random.choice((*READ_REQUESTS, junk.value()))}
        for key in self.keys:
            if random.random() < 0.4:
                content[key] = junk.value(self.vod_id) if random.random() < 0.5 else junk.json()
        whole: object = junk.json() if random.random() < 0.05 else content
        body = json.dumps(whole, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass")
        if random.random() < 0.1:
            at = random.randrange(len(body) + 1)
            body = body[:at] + random.randbytes(3) + body[at:]
        headers = {"x-vod-timestamp": self.timestamp, "x-vod-signature": self.signature}
        if random.random() < 0.2:
            headers[random.choice(list(headers))] = quote(junk.value())
        return Shot("POST", "/vodcallback/callback", "", body, "application/json", headers=headers)
