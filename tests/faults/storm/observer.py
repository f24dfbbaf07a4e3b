"""A process that queries the storm's database through the project's models.

`python -m tests.faults.storm.observer MODULE` reads JSON lists (a function of the module and its
arguments), one per line, and answers each with a line of JSON: `{"error": ...}` while the database
is away.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

QUESTIONS = "tests.faults.storm.questions"


class ObserverError(Exception):
    """The database did not answer; a later try may succeed."""


class Observer:
    """The process. Thread-safe."""

    def __init__(
        self, cwd: Path, environment: Mapping[str, str], questions: str = QUESTIONS
    ) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.storm.observer", questions],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str, *arguments: Any) -> Any:
        """The answer. Raises ObserverError if there is none now."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise ObserverError("The observer has no pipes.")
        with self._lock:
            process.stdin.write(json.dumps([question, *arguments]) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or '{"error": "The observer ended."}')
        if isinstance(answer, dict) and "error" in answer:
            raise ObserverError(answer["error"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its input: it ends


def _answer_lines() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortvideo.settings")
    django.setup()
    from django.db import InterfaceError, OperationalError, connections

    questions = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        ask: Callable[..., Any] = getattr(questions, name)
        try:
            answer = ask(*arguments)
        except (OperationalError, InterfaceError) as error:
            connections.close_all()
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _answer_lines()
