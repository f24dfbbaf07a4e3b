"""Restart the parts of the demo that die, with backoff and a limit."""

import asyncio
import http.client
import signal
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.children import Children
from runner.failure import Failure

WINDOW_SECONDS = 60.0
MOST_DEATHS = 3
FIRST_PAUSE_SECONDS = 0.5
LAST_WORDS = 5


@dataclass(frozen=True)
class Part:
    """A program that runs for as long as the demo does."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


async def keep_alive(part: Part, children: Children) -> None:
    """Run a part until we are cancelled; start it again when it dies.

    Raises Failure after three deaths within a minute.
    """
    deaths: deque[float] = deque(maxlen=MOST_DEATHS)
    while True:
        async with children.running(part.name, part.command, environment=part.environment) as child:
            cause = _describe_exit(await child.wait())
            words = [line for line in child.tail if line.strip()][-LAST_WORDS:]
        deaths.append(time.monotonic())
        if len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < WINDOW_SECONDS:
            raise Failure(
                f"{part.name} died {MOST_DEATHS} times within a minute, so everything was "
                f"stopped; the last time {cause}"
                + (":\n    " + "\n    ".join(words) if words else ", and it said nothing.")
            )
        recent = sum(deaths[-1] - death < WINDOW_SECONDS for death in deaths)
        pause = FIRST_PAUSE_SECONDS * 2**recent
        children.console.say(f"{part.name} died ({cause}); starting it again in {pause:g} s.")
        await asyncio.sleep(pause)


def _describe_exit(status: int) -> str:
    """How a program ended. A negative status is the number of a signal."""
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    return f"it ended with status {status}"


async def wait_for_http(port: int, path: str, *, seconds: float) -> None:
    """Wait until a program on this machine answers. Raises Failure after `seconds`."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(_is_answering, port, path):
        if time.monotonic() > deadline:
            raise Failure(
                f"Nothing answered http://127.0.0.1:{port}{path} within {seconds:g} s: "
                "the log says why."
            )
        await asyncio.sleep(0.1)


def _is_answering(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
