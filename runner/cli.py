"""The command line of `run.py`: one command, one exit status, one sentence when it fails."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TypeVar

from runner.children import Children, Guard
from runner.console import Console
from runner.demo import DemoOptions, run_demo
from runner.failure import Failure, sentence_for
from runner.lock import held
from runner.project import Project
from runner.quality import run_tests

Result = TypeVar("Result")
STOPPED_BY = 128  # plus the signal's number: the exit status of a command that was interrupted


def run(arguments: Sequence[str]) -> int:
    """The exit status for these arguments."""
    options, rest = parser().parse_known_args(arguments)
    if options.command != "test" and rest:
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    project = Project(Path(__file__).resolve().parent.parent)
    console = Console()
    try:
        if sys.platform == "win32":
            raise Failure("Short Video Console runs on Linux and macOS; on Windows use WSL.")
        if options.command == "demo":
            return demo(options, project, console)
        return tests(rest, project, console, with_coverage=options.coverage)
    except Failure as failure:
        message = str(failure)
    except OSError as error:
        message = sentence_for(error)
    except KeyboardInterrupt:
        return STOPPED_BY + signal.SIGINT
    sys.stderr.write(f"run.py: {message}\n")
    return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="run.py",
        description="Short Video Console on this machine, with VOD and CDN beside it.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="demo | test")
    demo_parser = commands.add_parser(
        "demo", help="run everything, with demo clips", description="Run everything. Ctrl-C stops."
    )
    demo_parser.add_argument("--port", type=port, default=8000, help="of the console (8000)")
    demo_parser.add_argument("--clips", type=clip_count, default=24, help="how many to make (24)")
    demo_parser.add_argument("--no-seed", action="store_true", help="make no demo clips")
    demo_parser.add_argument("--reset", action="store_true", help="delete all data first; asks")
    demo_parser.add_argument("--yes", action="store_true", help="answer --reset's question")
    test_parser = commands.add_parser(
        "test",
        help="run all checks and tests",
        description="Run all checks and all tests; other arguments go to pytest.",
        add_help=False,
        allow_abbrev=False,
    )
    test_parser.add_argument("--coverage", action="store_true", help="measure it; takes longer")
    return top


def port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: it must be 1 to 65535")
    return int(text)


def clip_count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of clips from 1 to 1000")
    return int(text)


def demo(options: argparse.Namespace, project: Project, console: Console) -> int:
    """Ctrl-C and SIGTERM are how the demo ends well: status 0."""
    demo_options = DemoOptions(
        port=options.port,
        clips=options.clips,
        is_seeding=not options.no_seed,
        is_reset=options.reset,
        is_sure=options.yes,
    )
    with held(project, console) as lock, Guard(lock) as guard:
        children = Children(console, guard, project.root)
        asyncio.run(until_stopped(run_demo(demo_options, project, children), children))
    console.say("Everything has stopped.")
    return 0


def tests(
    pytest_arguments: Sequence[str], project: Project, console: Console, *, with_coverage: bool
) -> int:
    with Guard() as guard:
        children = Children(console, guard, project.root)
        work = run_tests(pytest_arguments, project, children, with_coverage=with_coverage)
        stopped_by, is_passed = asyncio.run(until_stopped(work, children))
    if stopped_by:
        return STOPPED_BY + stopped_by
    return 0 if is_passed else 1


async def until_stopped(
    work: Coroutine[None, None, Result], children: Children
) -> tuple[int, Result | None]:
    """Do the work; a signal cancels it, a second one ends all programs at once.

    Returns the signal's number (0 where there was none) and the work's result.
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
