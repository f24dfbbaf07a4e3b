"""A program that forks workers which die or freeze at a chosen point.

It sets Django up once. Each line of its standard input is an order in JSON: it forks a process that
runs `manage.py work` for one kind, and prints the events of that process: `started`, `stopped`,
`killed` or `exited`, each with a number. Functions of the project are wrapped, not replaced: the
wrappers only strike.
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

# Imported once here, as each forked worker would import them at its start or first call.
WORKER_MODULES = (
    "shortvideo.cloud.client",
    "shortvideo.cloud.media",
    "shortvideo.outbox.management.commands.work",
)


class Point(StrEnum):
    """The point at which a worker is struck."""

    BEFORE_CALL = "before the call"
    AFTER_CALL = "after the call"
    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit"


class How(StrEnum):
    KILL = "SIGKILL"
    FREEZE = "SIGSTOP"


@dataclass(frozen=True, slots=True)
class Order:
    """One worker to start.

    Attributes:
        kind: the only kind of delivery that it serves.
        call: the function that makes the kind's call, as `package.module:Class.function`.
        operation: the cloud operation at which it is struck, if `call` makes several.
        log: the file for its standard error.
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
        # Held during a beat. A worker is not stopped in the transaction of its heartbeat, which
        # would lock out the test: only BEFORE_COMMIT stops it in a transaction.
        self.beating = threading.Lock()

    def strike(self, point: Point) -> None:
        if self._is_spent or point != self._order.point:
            return
        self._is_spent = True
        if point == Point.BEFORE_COMMIT:
            signal.raise_signal(signal.Signals[self._order.how])
            return
        with self.beating:
            # To this thread, which so does not run on for a moment.
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


def _arm(order: Order) -> None:
    """Wrap the call, `settle` and the commit of the kind."""
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


def _work(order: Order) -> NoReturn:
    """Run one worker, from its fork to its exit."""
    from django.core.management import call_command

    log = os.open(order.log, os.O_WRONLY | os.O_CREAT)
    os.dup2(log, sys.stderr.fileno())
    _arm(order)
    status = 1
    try:
        call_command("work", "--kinds", order.kind)
        status = 0
    except Exception:
        logger.exception("The worker failed")
    finally:
        # The interpreter's own exit takes five times as long as the work.
        os._exit(status)


def _tell(event: str, number: int) -> None:
    sys.stdout.write(f"{event} {number}\n")
    sys.stdout.flush()


def _watch(pid: int) -> None:
    """Print the events of a worker until its end."""
    is_gone = False
    while not is_gone:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            _tell("stopped", os.WSTOPSIG(status))
        elif os.WIFSIGNALED(status):
            _tell("killed", os.WTERMSIG(status))
            is_gone = True
        else:
            _tell("exited", os.WEXITSTATUS(status))
            is_gone = True


def main() -> None:
    import django

    django.setup()
    for name in WORKER_MODULES:
        importlib.import_module(name)
    gc.freeze()
    _tell("ready", os.getpid())
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _work(Order(**json.loads(line)))
        _tell("started", pid)
        _watch(pid)


if __name__ == "__main__":
    main()
