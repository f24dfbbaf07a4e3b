"""A copy of `run.py` and `runner/` with stand-ins for the programs that it starts.

Each stand-in notes its calls in `calls/` and runs for as long as the real program does.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_WAIT_SECONDS = 60.0  # of a test that fails

STAND_IN = '''
import json, os, pathlib, signal, subprocess, sys, time

def called(name, given=""):
    """Note the call in a file, atomically."""
    folder = pathlib.Path("calls")
    folder.mkdir(exist_ok=True)
    note = folder / f"{name}.{time.time_ns()}.{os.getpid()}"
    unfinished = note.with_name("." + note.name)
    unfinished.write_text(json.dumps({
        "pid": os.getpid(), "arguments": sys.argv[1:], "given": given,
        "environment": dict(os.environ),
    }))
    unfinished.rename(note)

def live(name):
    """Run until SIGTERM, with a child as gunicorn and ffmpeg have; or die as STAND_IN_DIES says."""
    if name in os.environ.get("STAND_IN_DIES", "").split(","):
        print(f"{name} has no luck today")
        sys.exit(3)
    print(f"2026-12-01T06:45:56Z [info     ] {name} started                 [it] path=/")
    print(f"2026-12-01T06:45:57Z [warning  ] {name} is tired                [it]")
    print("  since this morning", flush=True)
    process = subprocess.Popen(["sleep", "600"])
    pathlib.Path("calls", f"child-of-{name}.{process.pid}").touch()
    if name in os.environ.get("STAND_IN_IS_STUBBORN", "").split(","):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(600)
'''

MANAGE = """
import sys
from stand_in import called, live

command = sys.argv[1]
called(command, sys.stdin.read() if command == "create_operator" else "")
if command == "work":
    live("worker")
if command == "migrate":
    open("var/db.sqlite3", "w").close()
if command == "seed_demo":
    import time
    from tqdm import tqdm
    time.sleep(0.2)
    called("templates")
    print("8 reason templates made.")
    print("Preparing 24 demo clips, 7 done")
    for _ in tqdm(range(3), desc="settling", disable=None):
        pass
    print("seeded")
"""

LOCALVOD = """
import http.server, os, signal, sys, threading
from stand_in import called, live

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

called("localvod-" + sys.argv[1])
if sys.argv[1] == "demo" and "clips" in os.environ.get("STAND_IN_DIES", ""):
    sys.exit("no clips today")
if sys.argv[1] == "serve":
    port = int(sys.argv[sys.argv.index("--port") + 1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    live("localvod")
"""

WSGI = """
from stand_in import called

called("web")

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the page"]
"""


class Checkout:
    """The copy: its files, the calls of its stand-ins, and runs of its run.py."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.var = root / "var"
        shutil.copy(ROOT / "run.py", root)
        shutil.copytree(
            ROOT / "runner", root / "runner", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.write("stand_in.py", STAND_IN)
        self.write("manage.py", MANAGE)
        self.write("localvod/__init__.py", "")
        self.write("localvod/__main__.py", LOCALVOD)
        self.write("shortvideo/__init__.py", "")
        self.write("shortvideo/wsgi.py", WSGI)
        self.write("requirements.txt", "left-pad==1.0\n")
        self._runs: list[Run] = []

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def nearly_full_disk(self, *, free_megabytes: int) -> str:
        """A PYTHONPATH that makes Python see a full disk."""
        program = (
            "import collections, shutil\n"
            "usage = collections.namedtuple('usage', 'total used free')\n"
            f"shutil.disk_usage = lambda path: usage(10**9, 10**9, {free_megabytes} * 10**6)\n"
        )
        return str(self.write("nearly-full/sitecustomize.py", program).parent)

    def environment(self, **extra: str | None) -> dict[str, str]:
        """Our variables without those that configure the project; our Python is used."""
        unwanted = (
            "COV_",
            "DJANGO_",
            "SHORTVIDEO_",
            "DATABASE_URL",
            "VOD_",
            "LOCALVOD_",
            "PYTEST_CURRENT",
        )
        values: dict[str, str | None] = {
            name: value for name, value in os.environ.items() if not name.startswith(unwanted)
        }
        values |= {"SHORTVIDEO_VENV": sys.prefix, **extra}
        return {name: value for name, value in values.items() if value is not None}

    def run(self, *arguments: str, **extra: str | None) -> subprocess.CompletedProcess[str]:
        """Run run.py to its end, with standard input closed."""
        return subprocess.run(
            [sys.executable, "run.py", *arguments],
            cwd=self.root,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=3 * LONGEST_WAIT_SECONDS,
            check=False,
        )

    def start(self, *arguments: str, **extra: str | None) -> "Run":
        """Start run.py."""
        run = Run([sys.executable, "run.py", *arguments], self.root, self.environment(**extra))
        self._runs.append(run)
        return run

    def demo(self, *arguments: str, port: int = 0, **extra: str | None) -> "Run":
        """Start a demo, on a free port by default, and wait until its page answers."""
        run = self.start("demo", f"--port={port or free_port()}", *arguments, **extra)
        run.wait_for("Ready after")
        return run

    def calls(self, name: str) -> list[Path]:
        """The notes of a stand-in's calls, oldest first."""
        return sorted(self.root.glob(f"calls/{name}.*"))

    @property
    def log(self) -> str:
        """The log file of the demo."""
        return (self.var / "demo.log").read_text(encoding="utf-8")

    def processes(self) -> list[int]:
        """The processes of all stand-ins and of their children."""
        return [int(path.name.rpartition(".")[2]) for path in self.root.glob("calls/*.*")]

    def stop(self) -> None:
        for run in self._runs:
            run.kill()


class Run:
    """A running `run.py` and its log."""

    def __init__(self, command: list[str], root: Path, environment: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Wait until the log holds the text `times` times. Fails where run.py ends before."""
        until(
            lambda: self.log.count(text) >= times or self.process.poll() is not None,
            lambda: f"{text!r} did not come:\n{self.log}",
        )
        if self.process.poll() is not None:
            self._reader.join(LONGEST_WAIT_SECONDS)
        assert self.log.count(text) >= times, self.log

    def signal(self, number: signal.Signals) -> int:
        """Send a signal and wait. Returns the exit status."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        status = self.process.wait(LONGEST_WAIT_SECONDS)
        self._reader.join(LONGEST_WAIT_SECONDS)
        return status

    def kill(self) -> None:
        """End run.py; its guard stops the programs."""
        if self.process.poll() is None:
            self.process.kill()
        self.end()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip("\n"))


def until(condition: Callable[[], bool], message: Callable[[], str]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, message()
        time.sleep(0.05)


def alive(processes: list[int]) -> list[int]:
    return [process for process in processes if is_alive(process)]


def is_alive(process: int) -> bool:
    """Whether the process runs. A zombie does not: its parent may be slow to reap it."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
