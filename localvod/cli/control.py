"""`catalogue`, `faults`, `ledger`: call the control endpoints of a running server."""

import argparse
import json
import math
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from localvod.settings import raw_from_environment

# Of `faults`: options of a fault of calls, and of callbacks.
_RULE_OPTIONS: Final = ("operation", "rate", "skip", "times", "code", "status", "body", "after")
_CALLBACK_OPTIONS: Final = ("drop", "duplicate", "reorder")


class ControlFailure(Exception):
    """The server cannot be reached or refuses; str() is one sentence to show."""


def _add_endpoint(parser: argparse.ArgumentParser) -> None:
    raw = raw_from_environment()
    parser.add_argument(
        "--endpoint",
        default=f"{raw.host}:{raw.port}",
        metavar="HOST:PORT",
        help="the running server (default: %(default)s)",
    )


def _request(
    endpoint: str, method: str, path: str, *, content: object = None, **parameters: str
) -> Any:
    """Send one control request; returns its JSON. Raises ControlFailure."""
    url = f"http://{endpoint}/_localvod/{path}"
    try:
        with httpx.Client(trust_env=False, timeout=30) as client:
            answer = client.request(method, url, json=content, params=parameters)
            body = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ControlFailure(f"No localvod answers at {endpoint} ({error}).") from error
    if answer.status_code != 200:
        raise ControlFailure(str(body.get("error", f"The server answered {answer.status_code}.")))
    return body


def add_catalogue_arguments(parser: argparse.ArgumentParser) -> None:
    _add_endpoint(parser)
    parser.add_argument("count", type=int, help="number of computed videos; 0 removes them")
    parser.add_argument("--seed", type=int, default=1)


def run_catalogue(arguments: argparse.Namespace) -> int:
    content = {"count": arguments.count, "seed": arguments.seed}
    answer = _request(arguments.endpoint, "POST", "catalogue", content=content)
    sys.stdout.write(f"{answer['count']} computed videos.\n")
    return 0


def _number(text: str) -> float:
    """Parse a number that JSON has: `nan` and `inf` are none. The server knows the limits."""
    with suppress(ValueError):
        if math.isfinite(value := float(text)):
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number")


def add_faults_arguments(parser: argparse.ArgumentParser) -> None:
    _add_endpoint(parser)
    parser.add_argument("--clear", action="store_true", help="remove all faults")
    parser.add_argument("--operation", default="*", help="the operation that fails (default: all)")
    parser.add_argument("--kind", choices=("error", "lost", "body"), help="how calls fail")
    parser.add_argument("--rate", type=_number, default=1.0, help="share of calls, 0 to 1")
    parser.add_argument("--skip", type=int, default=0, help="number of calls to leave alone first")
    parser.add_argument("--times", type=int, help="largest number of calls affected")
    parser.add_argument("--code", default="ServiceUnAvailable", help="error code of --kind error")
    parser.add_argument("--status", type=int, default=503, help="HTTP status of the answer")
    parser.add_argument("--body", default="", help="body of the answer for --kind body")
    parser.add_argument("--after", action="store_true", help="the call is executed all the same")
    parser.add_argument("--latency", type=_number, default=0.0, help="seconds before each answer")
    parser.add_argument("--drop", type=_number, help="share of callbacks never sent")
    parser.add_argument("--duplicate", type=_number, help="share of callbacks sent twice")
    parser.add_argument("--reorder", type=_number, help="share of callbacks held back")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same faults")


def run_faults(arguments: argparse.Namespace) -> int:
    """Add a fault or remove all, then print the faults; without options only print them."""
    _refuse_ignored(arguments)
    faults = _request(arguments.endpoint, "GET", "faults")
    if arguments.clear:
        faults = _request(arguments.endpoint, "POST", "faults", content={})
    elif _asks_for_change(arguments):
        content = _add_fault(arguments, faults)
        faults = _request(arguments.endpoint, "POST", "faults", content=content)
    sys.stdout.write(f"{json.dumps(faults, indent=2)}\n")
    return 0


def _refuse_ignored(arguments: argparse.Namespace) -> None:
    """Raise ControlFailure for an option that means nothing beside the others."""
    parser = argparse.ArgumentParser()
    add_faults_arguments(parser)
    given = {name for name, value in vars(arguments).items() if value != parser.get_default(name)}
    is_change = _asks_for_change(arguments)
    if arguments.clear and given & {*_RULE_OPTIONS, *_CALLBACK_OPTIONS, "kind", "latency", "seed"}:
        raise ControlFailure("--clear removes all faults: give no other option.")
    if not (arguments.kind or arguments.latency) and (ignored := given & set(_RULE_OPTIONS)):
        names = ", ".join(f"--{name}" for name in sorted(ignored))
        raise ControlFailure(f"Say how calls fail: {names} needs --kind or --latency.")
    for name, kind in (("code", "error"), ("body", "body")):
        if name in given and arguments.kind != kind:
            raise ControlFailure(f"--{name} needs --kind {kind}.")
    if "seed" in given and not is_change:
        raise ControlFailure("--seed needs a fault.")


def _asks_for_change(arguments: argparse.Namespace) -> bool:
    return bool(arguments.kind or arguments.latency or _callback_shares(arguments))


def _callback_shares(arguments: argparse.Namespace) -> dict[str, float]:
    shares = {name: getattr(arguments, name) for name in _CALLBACK_OPTIONS}
    return {name: share for name, share in shares.items() if share is not None}


def _add_fault(arguments: argparse.Namespace, faults: dict[str, Any]) -> dict[str, Any]:
    rule = {
        "operation": arguments.operation,
        "kind": arguments.kind or "",
        "rate": arguments.rate,
        "skip": arguments.skip,
        "times": arguments.times,
        "code": arguments.code,
        "status": arguments.status,
        "body": arguments.body,
        "is_after": arguments.after,
        "latency_seconds": arguments.latency,
    }
    is_rule = bool(arguments.kind or arguments.latency)
    return {
        "seed": arguments.seed,
        "rules": [*faults["rules"], rule] if is_rule else faults["rules"],
        "callbacks": {**faults["callbacks"], **_callback_shares(arguments)},
    }


def add_ledger_arguments(parser: argparse.ArgumentParser) -> None:
    _add_endpoint(parser)
    parser.add_argument("--operation", default="", help="only this operation")
    parser.add_argument("--video-id", default="", help="only calls on this video")
    parser.add_argument(
        "--since",
        type=_parse_moment,
        default=0.0,
        metavar="TIME",
        help="only calls since then: unix seconds, or UTC such as 2026-01-31T08:00:00",
    )
    parser.add_argument("--accepted", action="store_true", help="only accepted calls")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")


def _parse_moment(text: str) -> float:
    """Parse unix seconds or a time to unix seconds; a time without a zone is UTC."""
    with suppress(argparse.ArgumentTypeError):
        return _number(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither unix seconds nor a time such as 2026-01-31T08:00:00"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def run_ledger(arguments: argparse.Namespace) -> int:
    answer = _request(
        arguments.endpoint,
        "GET",
        "ledger",
        operation=arguments.operation,
        video_id=arguments.video_id,
        since=str(arguments.since),
        accepted="1" if arguments.accepted else "",
    )
    for entry in answer["entries"]:
        line = json.dumps(entry, ensure_ascii=False) if arguments.json else _format_entry(entry)
        sys.stdout.write(f"{line}\n")
    return 0


def _format_entry(entry: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(entry["at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    outcome = entry["code"] or "accepted"
    effect = json.dumps(entry["effect"], ensure_ascii=False) if entry["effect"] else ""
    return f"{at}  {entry['operation']:<28} {outcome:<24} {effect}".rstrip()
