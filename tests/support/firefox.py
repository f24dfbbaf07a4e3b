"""Debian's Firefox, headless, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/).

Playwright drives only Firefox builds of its own. Firefox speaks the protocol itself.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final, Self

import websocket

FIREFOX: Final = shutil.which("firefox-esr") or shutil.which("firefox")
ENTER, TAB = "\ue007", "\ue004"
LONGEST_WAIT_SECONDS: Final = 120.0  # of a test that fails
# The console has no entry for what the policy refuses.
REPORT_REFUSALS: Final = """() => document.addEventListener('securitypolicyviolation', (event) =>
    console.error(`Refused: ${event.violatedDirective} ${event.blockedURI}`))"""


class ProtocolError(Exception):
    """The browser refuses a command, or a script fails: also while a page is being left."""


class Firefox:
    """One window. Its profile is a folder; all hosts but localhost are asked of an HTTP proxy."""

    def __init__(self, folder: Path, proxy_port: int) -> None:
        self.complaints: list[str] = []  # of the console
        self.loads: list[str] = []  # URLs
        self._sent = 0
        proxy = {"http": "127.0.0.1", "http_port": proxy_port, "ssl": "127.0.0.1", "ssl_port": 9}
        preferences = {"type": 1, **proxy}
        (folder / "user.js").write_text(
            "".join(
                f'user_pref("network.proxy.{name}", {json.dumps(value)});\n'
                for name, value in preferences.items()
            )
        )
        self._folder = folder

    def __enter__(self) -> Self:
        assert FIREFOX is not None
        log = self._folder / "firefox.log"
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [FIREFOX, "--headless", "--profile", self._folder, "--remote-debugging-port", "0"],
                env={**os.environ, "HOME": str(self._folder)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._connect(log)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close(timeout=0)
        self._end()

    def _connect(self, log: Path) -> None:
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not (found := re.search(r"listening on (ws://\S+)\n", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        self._socket = websocket.create_connection(
            f"{found[1]}/session", timeout=LONGEST_WAIT_SECONDS, suppress_origin=True
        )
        self._send("session.new", capabilities={})
        self._window = self._send("browsingContext.getTree")["contexts"][0]["context"]
        self._send("script.addPreloadScript", functionDeclaration=REPORT_REFUSALS)
        self._send("session.subscribe", events=["log.entryAdded", "browsingContext.load"])

    def _end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # its profile is thrown away
        self._process.wait()

    def open(self, url: str) -> None:
        """Load a page, and wait until it is whole."""
        self._send("browsingContext.navigate", context=self._window, url=url, wait="complete")

    def press(self, keys: str) -> None:
        """Press one key after the other."""
        kinds = ("keyDown", "keyUp")
        actions = [{"type": kind, "value": key} for key in keys for kind in kinds]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._send("input.performActions", context=self._window, actions=[source])

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression. Raises ProtocolError if it has none."""
        answer = self._send(
            "script.evaluate",
            expression=f"JSON.stringify({expression})",
            target={"context": self._window},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise ProtocolError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def expect(self, expression: str, value: Any) -> None:
        """Wait until the expression has this value."""
        found: Any = None
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                found = self.evaluate(expression)
            except ProtocolError as error:
                found = error
            if found == value:
                return
            time.sleep(0.01)
        raise AssertionError(f"{expression} is {found!r}, not {value!r}")

    def _send(self, method: str, **parameters: Any) -> Any:
        """Call, note what happens until the answer, and return the result."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer["type"] == "event":
                self._note(answer["method"], answer["params"])
            elif answer["id"] == self._sent:
                if answer["type"] != "success":
                    raise ProtocolError(f"{method}: {answer.get('message')}")
                return answer["result"]

    def _note(self, event: str, parameters: dict[str, Any]) -> None:
        if event == "browsingContext.load":
            self.loads.append(parameters["url"])
        elif parameters["level"] in ("warn", "error"):
            self.complaints.append(parameters["text"])
