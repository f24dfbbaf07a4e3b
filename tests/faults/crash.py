"""A program: workers that die or freeze at a chosen point of their work.

It sets Django up once. For each order on its standard input, a line of JSON, it forks a process
that runs the real `manage.py work` for one kind, and writes what becomes of it: `stopped`,
`killed` or `exited`, each with a number. Nothing of the project is replaced: what it calls is
wrapped, and the wrappers only strike.
"""

import gc
import importlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, NoReturn

logger = logging.getLogger(__name__)

# What a worker imports when it starts or first calls: each of the forked ones would do so itself.
OF_WORKERS = (
    "shortvideo.cloud.client",
    "shortvideo.cloud.media",
    "shortvideo.outbox.management.commands.work",
)


class Point(StrEnum):
    """Where a worker is struck."""

    BEFORE_CALL = "before the call"
    AFTER_CALL = "after the call"
    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit"


class How(StrEnum):
    KILL = "SIGKILL"
    FREEZE = "SIGSTOP"


@dataclass(frozen=True, slots=True)
class Order:
    """One worker to be started.

    Attributes:
        kind: the only kind of delivery that it serves.
        call: the function that carries out the kind's call, as `package.module:Class.function`.
        operation: struck only at this operation of the cloud, where `call` carries out all of them.
        log: the file that takes its standard error.
    """

    kind: str
    call: str
    operation: str
    point: Point
    how: How
    log: str

    def as_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


class Striker:
    """Kills or stops its own process at one point, once."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._is_spent = False
        # A stopped process may hold its own transaction, but not a heartbeat's: that would be
        # another point than the one that was asked for.
        self.beating = threading.Lock()

    def strike(self, point: Point) -> None:
        if self._is_spent or point != self._order.point:
            return
        self._is_spent = True
        if point == Point.BEFORE_COMMIT:
            signal.raise_signal(signal.Signals[self._order.how])
            return
        with self.beating:
            # To this very thread, so that it does not run on for a moment.
            signal.raise_signal(signal.Signals[self._order.how])

    def wrap_call(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            names = [type(argument).__name__.removesuffix("Request") for argument in arguments]
            is_it = not self._order.operation or self._order.operation in names
            if is_it:
                self.strike(Point.BEFORE_CALL)
            answer = call(*arguments, **options)
            if is_it:
                self.strike(Point.AFTER_CALL)
            return answer

        return wrapped

    def then_strike(self, function: Callable[..., Any], point: Point) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            answer = function(*arguments, **options)
            self.strike(point)
            return answer

        return wrapped

    def wrap_beat(self, extend: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(extend)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            with self.beating:
                return extend(*arguments, **options)

        return wrapped


def arm(order: Order) -> None:
    """Put the striker around the call, the settling and the commit of the kind."""
    from shortvideo.outbox import handlers, worker

    striker = Striker(order)
    module_name, _, path = order.call.partition(":")
    owner: Any = importlib.import_module(module_name)
    *between, name = path.split(".")
    for part in between:
        owner = getattr(owner, part)
    setattr(owner, name, striker.wrap_call(getattr(owner, name)))
    handler: Any = handlers.handler_for(order.kind)
    handler.settle = striker.then_strike(handler.settle, Point.BEFORE_COMMIT)
    module: Any = worker
    module.finish = striker.then_strike(module.finish, Point.AFTER_COMMIT)
    module.extend = striker.wrap_beat(module.extend)


def work(order: Order) -> NoReturn:
    """The life of one worker, from its fork to its exit."""
    from django.core.management import call_command

    log = os.open(order.log, os.O_WRONLY | os.O_CREAT)
    os.dup2(log, sys.stderr.fileno())
    arm(order)
    status = 1
    try:
        call_command("work", "--kinds", order.kind)
        status = 0
    except Exception:
        logger.exception("The worker failed")
    finally:
        # Not by way of the interpreter's end, which takes five times as long as the work.
        os._exit(status)


def tell(event: str, number: int) -> None:
    sys.stdout.write(f"{event} {number}\n")
    sys.stdout.flush()


def watch(pid: int) -> None:
    """Tell what becomes of a worker, until it is gone."""
    is_gone = False
    while not is_gone:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            tell("stopped", os.WSTOPSIG(status))
        elif os.WIFSIGNALED(status):
            tell("killed", os.WTERMSIG(status))
            is_gone = True
        else:
            tell("exited", os.WEXITSTATUS(status))
            is_gone = True


def main() -> None:
    import django

    django.setup()
    for name in OF_WORKERS:
        importlib.import_module(name)
    gc.freeze()
    tell("ready", os.getpid())
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            work(Order(**json.loads(line)))
        tell("started", pid)
        watch(pid)


if __name__ == "__main__":
    main()
