"""A large catalogue in localvod, and commands of `manage.py` that run on it."""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.postgres import PrivateCluster, binaries, free_port
from tests.support.localvod import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    ROOT,
    LocalVod,
    wait_until,
)


@dataclass(frozen=True)
class Run:
    """One run of a command: its output, its exit status and what it cost."""

    output: str
    status: int
    seconds: float
    cpu_seconds: float
    peak_mib: int
    calls: Counter[str]  # to VOD, by operation


class Installation:
    """The commands of one database, with localvod as VOD."""

    def __init__(self, database_url: str, vod: LocalVod) -> None:
        self.vod = vod
        self._environment = {
            **os.environ,
            "TESTING": "true",
            "DJANGO_SETTINGS_MODULE": "shortvideo.settings",
            "ENV_FILE": os.devnull,
            "DATABASE_URL": database_url,
            "VOD_ENDPOINT": vod.endpoint,
            "VOD_PROTOCOL": "http",
            "CDN_ENDPOINT": vod.endpoint,
            "CDN_PROTOCOL": "http",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
            "CDN_DOMAINS": vod.endpoint,
            "MEDIA_URL_SCHEME": "http",
            "LOG_LEVEL": "WARNING",
        }

    def measure(self, *arguments: str, given: str = "", module: str = "") -> Run:
        """Run `manage.py`, or a module, in a process of its own, whatever its exit status."""
        calls_before = self._calls()
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *(("-m", module) if module else ("manage.py",)), *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        process.stdin.close()
        output = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        return Run(
            output=output,
            status=os.waitstatus_to_exitcode(status),
            seconds=time.perf_counter() - started,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mib=usage.ru_maxrss // 1024,  # Linux counts KiB
            calls=self._calls() - calls_before,
        )

    def run(self, *arguments: str, given: str = "", module: str = "") -> Run:
        """Like `measure`. Raises SystemExit if the command fails."""
        run = self.measure(*arguments, given=given, module=module)
        if run.status:
            raise SystemExit(f"{module or 'manage.py'} {' '.join(arguments)} failed.")
        return run

    def vod_cpu_seconds(self) -> float:
        """CPU seconds of localvod so far."""
        fields = Path(f"/proc/{self.vod.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def refused_calls(self) -> Counter[str]:
        """Refusals so far, by code."""
        return Counter(entry["code"] for entry in self.vod.ledger() if entry["code"])

    @contextmanager
    def served(self) -> Iterator[str]:
        """The console, as in production. Yields its URL."""
        url = f"127.0.0.1:{free_port()}"
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", f"--bind={url}"], cwd=ROOT, env=self._environment
        )
        try:
            wait_until(lambda: is_listening(url))
            yield f"http://{url}"
        finally:
            process.terminate()
            process.wait()

    def _calls(self) -> Counter[str]:
        return Counter(entry["operation"] for entry in self.vod.ledger())


def is_listening(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def parser(description: str | None) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--videos", type=int, default=100_000)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    return options


def parse_arguments(description: str | None) -> argparse.Namespace:
    return parser(description).parse_args()


@contextmanager
def migrated_installation(
    videos: int, database: str, **vod_settings: str
) -> Iterator[Installation]:
    """Start localvod with computed videos, and migrate an empty "sqlite" or "postgres" database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'db.sqlite3'}"
        if database == "postgres":
            postgres_folder = binaries()
            if postgres_folder is None:
                raise SystemExit("No PostgreSQL binaries were found.")
            url = stack.enter_context(PrivateCluster(postgres_folder)).url
        vod = stack.enter_context(LocalVod(folder / "localvod", **vod_settings))
        vod.catalogue(videos)
        installation = Installation(url, vod)
        installation.run("migrate", "--verbosity=0")
        yield installation
