"""A localvod process for tests, with its control endpoints."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

START_SECONDS = 30.0
ACCESS_KEY_ID, ACCESS_KEY_SECRET = "localvod", "localvod-secret"
ROOT = Path(__file__).resolve().parents[2]


class LocalVod:
    """One localvod; `settings` become variables `LOCALVOD_<NAME>`.

    The first `start` takes a free port, unless `port` is set. State folder and port outlive
    `stop` and `kill`: the next `start` continues with both.
    """

    def __init__(self, state: Path, **settings: str) -> None:
        self.state_folder = state
        self.settings = {"cdn_task_seconds": "0", **settings}
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self._http = httpx.Client(trust_env=False, timeout=150)

    @property
    def endpoint(self) -> str:
        """Host and port, for the SDK's Config."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.endpoint}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("localvod is not running.")
        return self._process.pid

    def start(self) -> Self:
        """Start the process and wait until it listens."""
        variables = {f"LOCALVOD_{name.upper()}": value for name, value in self.settings.items()}
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("LOCALVOD_")
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "localvod", "serve", *self._flags()],
            cwd=ROOT,
            env={**inherited, **variables},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on http://"):
            raise RuntimeError(f"localvod did not start; its first line is {line!r}.")
        self.port = int(line.rpartition(":")[2])
        return self

    def _flags(self) -> list[str]:
        return ["--port", str(self.port), "--state", str(self.state_folder)]

    def stop(self) -> int:
        """End the process by SIGTERM; returns its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(how)
        try:
            return process.wait(timeout=20)
        finally:
            process.kill()
            if process.stdout is not None:
                process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._http.close()

    # Control endpoints.

    def control(self, method: str, path: str, content: object = None, **parameters: str) -> Any:
        """Send a control request; returns its JSON. Raises ValueError with the server's error."""
        body = {} if content is None and method == "POST" else content
        answer = self._http.request(
            method, f"{self.url}/_localvod/{path}", json=body, params=parameters
        )
        if answer.status_code != 200:
            raise ValueError(f"{answer.status_code}: {answer.json()['error']}")
        return answer.json()

    def reset(self) -> None:
        """Delete all videos, jobs, events, faults and the ledger."""
        self.control("POST", "reset")

    def seed(self, **facts: Any) -> str:
        """Create one finished video from facts (see `localvod.seeding`); returns its id."""
        return self.seed_many([facts])[0]

    def seed_many(self, facts: Sequence[Mapping[str, Any]]) -> list[str]:
        ids: list[str] = self.control("POST", "videos", list(facts))["ids"]
        return ids

    def catalogue(self, count: int, seed: int = 1) -> None:
        """Put `count` computed videos beside the stored ones."""
        self.control("POST", "catalogue", {"count": count, "seed": seed})

    def faults(self, *rules: Mapping[str, Any], **others: Any) -> None:
        """Replace the faults; without arguments, end all.

        `rules` are as in `localvod.faults.Rule`, `others` are `callbacks` (drop, duplicate,
        reorder) and `seed`.
        """
        self.control("POST", "faults", {"rules": list(rules), **others})

    def quotas(self, **limits: int) -> None:
        """Set limits of URLs a day (`cdn_preload=5`); without any, restore the published ones."""
        named = {name.replace("_", " "): limit for name, limit in limits.items()}
        self.control("POST", "quotas", named)

    def set_ahead(self, seconds: float) -> None:
        """Set the service's clock ahead of the machine's."""
        self.control("POST", "clock", {"ahead_seconds": seconds})

    def ledger(
        self, operation: str = "", *, video_id: str = "", accepted: bool = False
    ) -> list[dict[str, Any]]:
        """The signed calls so far; with `accepted`, without refused calls."""
        given = {"operation": operation, "video_id": video_id, "accepted": "1" if accepted else ""}
        entries: list[dict[str, Any]] = self.control("GET", "ledger", None, **given)["entries"]
        return entries

    def audits(self) -> list[tuple[str, str, str]]:
        """Video id, status and reason of each decision by CreateAudit, in order."""
        return [
            (audit["video_id"], audit["status"], audit["reason"])
            for entry in self.ledger("CreateAudit", accepted=True)
            for audit in entry["effect"]["audits"]
        ]

    def audit_in_console(
        self, video_id: str, status: str, reason: str = "", auditor: str = "vod-console"
    ) -> None:
        """Make a decision in the VOD console."""
        content = {"VideoId": video_id, "Status": status, "Reason": reason, "Auditor": auditor}
        self.control("POST", "audits", content)

    def state(self, video_id: str) -> dict[str, Any]:
        """All rows of a video."""
        state: dict[str, Any] = self.control("GET", f"state/{video_id}")
        return state

    def events(self, video_id: str = "") -> list[dict[str, Any]]:
        """The events queued so far, with body, state, attempts and error."""
        events: list[dict[str, Any]] = self.control("GET", "events", None, video_id=video_id)[
            "events"
        ]
        return events

    def send_event(self, body: Mapping[str, Any], url: str = "") -> None:
        """Send an event with any content, signed, to the given or the configured URL."""
        self.control("POST", "events", {"body": body, "url": url})

    def idle(self, seconds: float = 180.0) -> None:
        """Wait until no job runs and no event waits; raises when that takes too long."""
        self.control("POST", "idle", {"seconds": seconds})

    def put_file(self, key: str, content: bytes) -> str:
        """Store a file that belongs to no video; returns its URL."""
        answer = self._http.put(f"{self.url}/_localvod/files/{key}", content=content)
        url: str = answer.json()["url"]
        return url

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Fetch a media URL as a player would."""
        return self._http.get(url, headers=headers)


def wait_until(condition: Any, seconds: float = 180.0) -> None:
    """Poll until the condition holds; fails with its name when it never does."""
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            raise AssertionError(f"{condition} was not true within {seconds:g} s")
        time.sleep(0.02)
