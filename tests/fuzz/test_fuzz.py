"""Junk over every URL ends in an answer, never in a defect of the server.

Short here, long with `python3 run.py fuzz`. A failure says how to repeat it.
"""

import logging
import os
import signal
from collections.abc import Iterable, Iterator
from copy import copy
from itertools import cycle
from random import Random
from typing import Any, Final, Protocol

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from accounts.tokens import issue_token
from tests.factories import make_operator
from tests.fuzz.surfaces import (
    Callbacks,
    DeskGets,
    DeskPosts,
    Operations,
    Shot,
    desk_pages,
    operations_of_the_api,
)
from tests.fuzz.world import make_operators, make_rows, review_call, secrets
from tests.support.localvod import LocalVod
from videos.models import Video

SEED: Final = int(os.environ.get("FUZZ_SEED", "1"))
GETS: Final = int(os.environ.get("FUZZ_GETS", "250"))
POSTS: Final = int(os.environ.get("FUZZ_POSTS", "120"))
# "posts:17" sends only this request.
ONLY: Final = os.environ.get("FUZZ_ONLY", "").partition(":")
OTHER_METHODS: Final = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")
_FAILURES_SHOWN: Final = 25
_CPU_SECONDS: Final = 5.0  # of one request: a pattern that backtracks takes hours


def _give_up(*_: object) -> None:
    raise TimeoutError(f"It takes more than {_CPU_SECONDS} s of CPU.")


class Surface(Protocol):
    def shot(self, random: Random) -> Shot: ...


class _LastError(logging.Handler):
    """Keeps the last logged exception: the API answers defects itself."""

    error: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.error = record.exc_info[1]


class Range:
    """Sends requests, each in a savepoint that is rolled back: none sees what another did."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self.clients = clients
        self.hidden = [text.encode() for text in secrets()]
        self.logged = _LastError()

    def fire(self, name: str, surface: Surface, count: int) -> None:
        """Send `count` requests. Fails with all that ended in a defect."""
        wanted, _, number = ONLY
        if wanted and wanted != name:
            pytest.skip(f"FUZZ_ONLY is {wanted}")
        numbers = [int(number)] if number else range(count)
        failures = [text for each in numbers if (text := self._try(name, surface, each))]
        print(f"{name}: {len(numbers)} requests, {len(failures)} failed")  # noqa: T201 - for run.py
        shown = "\n\n".join(failures[:_FAILURES_SHOWN])
        assert not failures, f"{len(failures)} of {len(numbers)} requests failed.\n\n{shown}"

    def _try(self, name: str, surface: Surface, number: int) -> str:
        """Send one request. Returns what is wrong with its answer, or ""."""
        shot = surface.shot(Random(f"{SEED}/{name}/{number}"))
        problem = self._send_in_savepoint(shot)
        repeat = f"python3 run.py fuzz --seed {SEED} --only {name}:{number}"
        return problem and f"{str(shot)[:2000]}\n  {problem}\n  again: {repeat}"

    def walk(self, shots: Iterable[Shot]) -> None:
        """Send each request. Fails with all that ended in a defect."""
        problems = ((shot, self._send_in_savepoint(shot)) for shot in shots)
        failures = [f"{shot}\n  {problem}" for shot, problem in problems if problem]
        assert not failures, "\n\n".join(failures[:_FAILURES_SHOWN])

    def _send_in_savepoint(self, shot: Shot) -> str:
        signal.setitimer(signal.ITIMER_VIRTUAL, _CPU_SECONDS)
        with transaction.atomic():
            problem = self._send(shot)
            transaction.set_rollback(True)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return problem

    def _send(self, shot: Shot) -> str:
        client = self.clients[shot.who]
        cookies, self.logged.error = copy(client.cookies), None
        response: Any = client.generic(
            shot.method,
            shot.path,
            shot.body,
            content_type=shot.content_type,
            query_params=None,
            headers=dict(shot.headers),
            QUERY_STRING=shot.query,
        )
        client.cookies = cookies
        if response.status_code >= 500:
            return f"{response.status_code}: {_cause(response, self.logged.error)}"
        content = b"".join(response) if response.streaming else response.content
        return "shows a secret" if any(text in content for text in self.hidden) else ""


def _cause(response: Any, logged: BaseException | None) -> str:
    """The exception behind an answer, and where it was raised."""
    error = response.exc_info[1] if getattr(response, "exc_info", None) else logged
    if error is None:
        return "no exception"
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__}: {str(error)[:200]} ({at})"


@pytest.fixture
def firing(
    db: None, vod: LocalVod, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Range]:
    for each in admin.site._registry.values():
        monkeypatch.setattr(each, "list_per_page", 1)  # so that lists have pages
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    operators = make_operators()
    root = operators["root"] = make_operator("administrator", is_superuser=True)
    make_rows(root)
    clients = {"": Client(raise_request_exception=False)}
    for who, operator in operators.items():
        clients[who] = Client(raise_request_exception=False)
        clients[who].force_login(operator, settings.AUTHENTICATION_BACKENDS[-1])
    shooting = Range(clients)
    monkeypatch.setattr(logging.getLogger(), "handlers", [shooting.logged])
    handler = signal.signal(signal.SIGVTALRM, _give_up)
    yield shooting
    signal.signal(signal.SIGVTALRM, handler)


def roles_of(firing: Range) -> list[str]:
    return sorted(firing.clients)


def test_every_get_of_the_desk_is_answered(firing: Range) -> None:
    firing.fire("gets", DeskGets(desk_pages(review_call()), roles_of(firing)), GETS)


def test_every_post_to_the_desk_is_answered(firing: Range) -> None:
    forms = DeskPosts(desk_pages(review_call()), roles_of(firing), firing.clients["root"])
    firing.fire("posts", forms, POSTS)


def test_every_call_of_the_api_is_answered(firing: Range) -> None:
    video = Video.objects.visible().order_by("pk").first()
    assert video is not None
    assert video.uploader is not None
    good = {"videoId": video.vod_id, "mediaId": video.vod_id, "userId": video.uploader.user_id}
    tokens = {who: issue_token(make_operator(who)) for who in ("viewer", "operator")}
    firing.fire("api", Operations(tokens, good), POSTS)


@pytest.mark.skipif(bool(ONLY[0]), reason="FUZZ_ONLY is set")
def test_every_other_method_is_answered(firing: Range) -> None:
    operations = [path for path, _ in operations_of_the_api()]
    firing.walk(Shot(each, path, who="root") for path in operations for each in OTHER_METHODS)
    # Django's pages take any method as a GET: a third of them is enough.
    pages = zip(cycle(OTHER_METHODS), desk_pages(review_call())[::3], strict=False)
    firing.walk(Shot(each, page.path(), who="root") for each, page in pages)


def test_every_callback_is_answered(firing: Range, settings: Settings) -> None:
    settings.VOD_CALLBACK_MAX_AGE = 10**9
    video = Video.objects.order_by("pk").first()
    assert video is not None
    surface = Callbacks(
        settings.VOD_CALLBACK_URL, settings.VOD_CALLBACK_KEY, 1_767_225_600, video.vod_id
    )
    firing.fire("callbacks", surface, POSTS)
