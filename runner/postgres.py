"""A private PostgreSQL cluster for tests, on a free loopback port, deleted when it stops."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runner.failure import Failure

STARTING_SECONDS = 60.0
STOPPING_SECONDS = 20.0
START_ATTEMPTS = 3  # another program may take our free port first
USER = "tests"
DISTRIBUTION_FOLDERS = (  # Debian's, Red Hat's, Homebrew's
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
)
# The data need not survive a crash of the machine.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
OTHER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


def binaries() -> Path | None:
    """The folder of initdb and postgres: from PATH, else the newest of the distribution.

    `SHORTVIDEO_POSTGRES` names another folder, or is `off`. Returns None without PostgreSQL.
    """
    chosen = os.environ.get("SHORTVIDEO_POSTGRES")
    if chosen == "off":
        return None
    if chosen:
        if not (Path(chosen) / "initdb").exists():
            raise Failure(f"SHORTVIDEO_POSTGRES names {chosen}, where there is no initdb.")
        return Path(chosen).resolve()
    on_path = shutil.which("postgres")
    if on_path and Path(on_path).resolve().with_name("initdb").exists():
        return Path(on_path).resolve().parent
    found = [
        folder
        for pattern in DISTRIBUTION_FOLDERS
        for folder in Path("/").glob(pattern)
        if (folder / "postgres").exists() and (folder / "initdb").exists()
    ]
    return max(found, key=version_in, default=None)


def version_in(folder: Path) -> int:
    """The major version in a folder's name, 15 for /usr/lib/postgresql/15/bin."""
    return int("0" + "".join(filter(str.isdigit, folder.parent.name)))


class PrivateCluster:
    """One PostgreSQL server; a context manager that starts and stops it.

    Where we are root, it runs as another user: PostgreSQL refuses root. `watch` gets the orders
    that `runner/guard.py` reads, so that a guard cleans up where we are killed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        watch: Callable[..., None] = lambda *_words: None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = 0
        self._binaries = folder
        self._watch = watch
        self._settings = {**OTHER_SETTINGS, **(FAST_SETTINGS if settings is None else settings)}
        self._password = secrets.token_hex(16)
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The DATABASE_URL of the server."""
        return f"postgres://{USER}:{self._password}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """The id of the server's first process."""
        if self._process is None:
            raise Failure("The PostgreSQL cluster does not run.")
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log_file.read_text(errors="replace") if self._directory else ""

    def start(self) -> None:
        """Make the cluster and start it. Raises Failure with the last line of the server's log."""
        self._directory = Path(tempfile.mkdtemp(prefix="shortvideo-postgres-")).resolve()
        self._watch("remove", self._directory)
        try:
            self._make()
            for attempt in range(1, START_ATTEMPTS + 1):
                self.port = free_port()
                self._launch()
                if self._is_ready():
                    return
                if attempt == START_ATTEMPTS or "Address already in use" not in self.log:
                    raise Failure(f"PostgreSQL did not start: {_last_line(self.log)}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and delete its folder."""
        self.end()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._watch("keep", self._directory)
            self._directory = None

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and start it on the same port with the same data.

        `how` is SIGINT (fast shutdown) or SIGQUIT (immediate, as in a crash).
        """
        self.end(how)
        self._launch()
        if not self._is_ready():
            raise Failure(f"PostgreSQL did not start again: {_last_line(self.log)}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log_file(self) -> Path:
        return self._folder / "server.log"

    @property
    def _folder(self) -> Path:
        if self._directory is None:
            raise Failure("The PostgreSQL cluster has not been started.")
        return self._directory

    def _make(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        account = _unprivileged_account()
        if account is not None:
            for path in (self._folder, password_file):
                os.chown(path, account.pw_uid, account.pw_gid)
        command = [str(self._binaries / "initdb"), f"--pgdata={self._data}", f"--username={USER}"]
        command += [f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8"]
        command += [f"--locale={'C.UTF-8' if sys.platform == 'linux' else 'C'}", "--no-sync"]
        made = self._popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._watch("group", made.pid, signal.SIGTERM.value)
        output, _ = made.communicate()
        self._watch("gone", made.pid)
        if made.returncode != 0:
            raise Failure(f"initdb failed: {_last_line(output.decode(errors='replace'))}")

    def _launch(self) -> None:
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log_file.open("ab") as log:
            self._process = self._popen(command, stdout=log, stderr=log)
        self._watch("group", self._process.pid, signal.SIGINT.value)

    def _is_ready(self) -> bool:
        """Wait until it accepts connections. False where it ends or takes too long."""
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + STARTING_SECONDS
        while self._process is not None and self._process.poll() is None:
            if self._popen(ready).wait() == 0:
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self.end()
        return False

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and keep its data; `restart` starts it again."""
        if self._process is None:
            return
        try:
            self._process.send_signal(how)  # SIGINT: fast shutdown, sessions are ended
            self._process.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)  # immediate shutdown
            self._process.wait()
        self._watch("gone", self._process.pid)
        self._process = None

    def _popen(self, command: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
        account = _unprivileged_account()
        identity: dict[str, Any] = (
            {}
            if account is None
            else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        )
        return subprocess.Popen(
            command,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "C"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **streams,
            **identity,
        )


def _unprivileged_account() -> pwd.struct_passwd | None:
    """The account that runs the server where we are root; else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure("PostgreSQL refuses to run as root, and there is no user postgres or nobody.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing."
