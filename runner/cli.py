"""The command line of `run.py`: one command, one exit status, one sentence when it fails."""

import argparse
import asyncio
import signal
import sys
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TypeVar

from runner.bench import BENCHMARKS, run_benchmark
from runner.children import Children, Guard
from runner.console import Console
from runner.demo import DemoOptions, add_clips, run_demo
from runner.failure import Failure, describe_os_error
from runner.lock import AlreadyRunning, checkout_lock
from runner.project import Project
from runner.quality import TestOptions, run_tests

Result = TypeVar("Result")
STOPPED_BY = 128  # plus the signal's number: the exit status of a command that was interrupted


def run(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    options, rest = _parser().parse_known_args(arguments)
    if options.command not in ("test", "bench") and rest:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    project = Project(Path(__file__).resolve().parent.parent)
    console = Console(is_quiet=options.command == "demo" and not options.verbose)
    try:
        if sys.platform == "win32":
            raise Failure("Short Video Console runs on Linux and macOS; on Windows use WSL.")
        if options.command == "demo":
            return _run_demo_command(options, project, console)
        if options.command == "bench":
            return _run_bench_command(options.name, rest, project, console)
        tests = _fuzz_options(options) if options.command == "fuzz" else _options(options, rest)
        return _run_test_command(tests, project, console)
    except Failure as failure:
        message = str(failure)
    except OSError as error:
        message = describe_os_error(error)
    sys.stderr.write(f"run.py: {message}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="run.py",
        description="Short Video Console on this machine, with VOD and CDN beside it.",
    )
    commands = top.add_subparsers(
        dest="command", required=True, metavar="demo | test | fuzz | bench"
    )
    demo_parser = commands.add_parser(
        "demo", help="run everything, with demo clips", description="Run everything. Ctrl-C stops."
    )
    demo_parser.add_argument("--port", type=_port, default=8000, help="of the console (8000)")
    demo_parser.add_argument(
        "--clips", type=_clip_count, help="how many clips to make (24), or to add to those there"
    )
    demo_parser.add_argument("--no-seed", action="store_true", help="make no demo clips")
    demo_parser.add_argument("--reset", action="store_true", help="delete all data first; asks")
    demo_parser.add_argument("--yes", action="store_true", help="answer --reset's question")
    demo_parser.add_argument(
        "--verbose", action="store_true", help="show all lines, not only warnings and errors"
    )
    test_parser = commands.add_parser(
        "test",
        help="run all checks and tests",
        description="Run all checks and all tests; other arguments go to pytest.",
        add_help=False,
        allow_abbrev=False,
    )
    test_parser.add_argument(
        "--fast", action="store_true", help="only what takes a minute together"
    )
    test_parser.add_argument("--both", action="store_true", help="all tests on both databases")
    test_parser.add_argument("--coverage", action="store_true", help="measure it; takes longer")
    fuzz_parser = commands.add_parser(
        "fuzz",
        help="send junk to every URL",
        description="Send junk to the desk, the API and the callback URL, on SQLite and on a "
        "private PostgreSQL. Fails if an answer is 5xx, shows a secret or takes seconds.",
    )
    fuzz_parser.add_argument("--gets", type=_count, default=30_000, help="of the desk (30000)")
    fuzz_parser.add_argument(
        "--posts", type=_count, default=2_000, help="to the desk, the API and callbacks (2000 each)"
    )
    fuzz_parser.add_argument("--seed", type=_count, default=1, help="of the junk (1)")
    fuzz_parser.add_argument(
        "--only", default="", metavar="NAME:NUMBER", help="one request, as a failure names it"
    )
    bench_parser = commands.add_parser(
        "bench",
        help="measure cost and speed",
        description="Measure on a private PostgreSQL with data of its own. Other arguments go to "
        "the benchmark, for example --sizes 10000 1000000.",
        add_help=False,
        allow_abbrev=False,
    )
    bench_parser.add_argument("name", nargs="?", choices=list(BENCHMARKS), default="api")
    return top


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: it must be 1 to 65535")
    return int(text)


def _clip_count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of clips from 1 to 1000")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def _run_demo_command(options: argparse.Namespace, project: Project, console: Console) -> int:
    """Run the demo, or add clips to the one that runs.

    Ctrl-C and SIGTERM are the normal end of a demo that is ready; before that they interrupt it.
    """
    demo_options = DemoOptions(
        port=options.port,
        clips=options.clips,
        is_seeding=not options.no_seed,
        is_reset=options.reset,
        is_sure=options.yes,
    )
    is_ready = threading.Event()
    try:
        with checkout_lock(project, console) as lock, Guard(lock) as guard:
            children = Children(console, guard, project.root)
            demo = run_demo(demo_options, project, children, on_ready=is_ready.set)
            stopped_by, _ = asyncio.run(_until_stopped(demo, children))
    except AlreadyRunning:
        if demo_options.clips is None or demo_options.is_reset:
            raise
        with Guard() as guard:
            children = Children(console, guard, project.root)
            clips = add_clips(demo_options, project, children)
            stopped_by, _ = asyncio.run(_until_stopped(clips, children))
    else:
        console.say("Everything has stopped.")
    return STOPPED_BY + stopped_by if stopped_by and not is_ready.is_set() else 0


def _options(options: argparse.Namespace, rest: Sequence[str]) -> TestOptions:
    return TestOptions(
        arguments=rest[1:] if rest[:1] == ["--"] else rest,
        is_fast=options.fast,
        is_on_both=options.both,
        with_coverage=options.coverage,
    )


def _fuzz_options(options: argparse.Namespace) -> TestOptions:
    names = ("gets", "posts", "seed", "only")
    return TestOptions(
        arguments=["tests/fuzz", "-s", "-p", "no:logging"],
        with_checks=False,
        variables={
            "LOG_LEVEL": "WARNING",
            **{f"FUZZ_{name.upper()}": str(getattr(options, name)) for name in names},
        },
    )


def _run_test_command(test_options: TestOptions, project: Project, console: Console) -> int:
    with Guard() as guard:
        children = Children(console, guard, project.root)
        work = run_tests(test_options, project, children)
        stopped_by, is_passed = asyncio.run(_until_stopped(work, children))
    if stopped_by:
        return STOPPED_BY + stopped_by
    return 0 if is_passed else 1


def _run_bench_command(
    name: str, arguments: Sequence[str], project: Project, console: Console
) -> int:
    with Guard() as guard:
        children = Children(console, guard, project.root)
        work = run_benchmark(name, arguments, project, children)
        stopped_by, is_done = asyncio.run(_until_stopped(work, children))
    if stopped_by:
        return STOPPED_BY + stopped_by
    return 0 if is_done else 1


async def _until_stopped(
    work: Coroutine[None, None, Result], children: Children
) -> tuple[int, Result | None]:
    """Do the work. A signal cancels it; a second signal kills all programs.

    Returns the first signal (0 without one) and the result (None after a signal).
    """
    task = asyncio.create_task(work)
    stopped_by: list[int] = []

    def stop(number: int) -> None:
        stopped_by.append(number)
        if len(stopped_by) == 1:
            children.console.say("Stopping. Once more ends everything at once.")
            task.cancel()
        else:
            children.kill_all()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    children.console.on_closed = lambda: stop(signal.SIGHUP)
    try:
        return 0, await task
    except asyncio.CancelledError:
        if not stopped_by:
            raise
        return stopped_by[0], None
