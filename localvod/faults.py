"""Faults on request: errors, lost or broken answers, delays, and unreliable callbacks."""

import dataclasses
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from localvod.numbers import number, whole_number

_MOST_CALLS = 1_000_000_000
_LONGEST_SECONDS = 86_400
_WHOLE_LIMITS = {
    "skip": (0, _MOST_CALLS),
    "times": (0, _MOST_CALLS),
    "status": (200, 599),
    "retry_after": (0, _LONGEST_SECONDS),
}
_LIMITS = {
    "rate": (0, 1),
    "latency_seconds": (0, _LONGEST_SECONDS),
    "drip_seconds": (0, _LONGEST_SECONDS),
}
_LARGEST_SEED = 2**53
_KINDS = ("error", "lost", "body")
_CALLBACK_COUNTS = ("callbacks", "dropped", "doubled", "held_back")


class FaultError(ValueError):
    """An invalid description of a fault; the message is one clear sentence."""


@dataclass(slots=True)
class Rule:
    """One fault of calls.

    `operation` is a name or `*`. `kind`: `error` answers `code` with `status`; `lost` closes the
    connection without an answer; `body` answers with `body` as it is; an empty kind only delays by
    `latency_seconds`. `rate` is the share of calls to hit, `skip` how many hits to leave out first,
    `times` how many hits follow at most (None: no limit). With `is_after` the operation is done
    before the fault. `drip_seconds` spreads the answer over that time, byte by byte.
    """

    operation: str = "*"
    kind: str = ""
    rate: float = 1.0
    skip: int = 0
    times: int | None = None
    code: str = "ServiceUnAvailable"
    status: int = 503
    message: str = "The request has failed due to a temporary failure of the server."
    is_after: bool = False
    latency_seconds: float = 0.0
    retry_after: int = 0
    body: str = ""
    content_type: str = "application/json"
    drip_seconds: float = 0.0


@dataclass(slots=True)
class CallbackFaults:
    """Shares (0 to 1) of callbacks to drop, to send twice, and to hold back out of order."""

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0


class Faults:
    """The active faults. The same seed and the same calls give the same faults."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.set({})

    def set(self, wanted: Mapping[str, Any]) -> None:
        """Replace the faults. Raises FaultError or NumberError, which names what is wrong."""
        _refuse_unknown("faults", wanted, {"seed", "rules", "callbacks"})
        rules = wanted.get("rules", [])
        if not isinstance(rules, list):
            raise FaultError("rules must be a list.")
        rules = [_parse_rule(item) for item in rules]
        callbacks = _parse_callbacks(wanted.get("callbacks", {}))
        seed = whole_number("seed", wanted.get("seed", 1), -_LARGEST_SEED, _LARGEST_SEED)
        with self._lock:
            self._rules, self._callbacks, self._seed = rules, callbacks, seed
            self._random = random.Random(seed)
            self._counts.clear()

    def as_json(self) -> dict[str, Any]:
        """The active faults; `met` counts callbacks since they were set."""
        with self._lock:
            return {
                "seed": self._seed,
                "rules": [dataclasses.asdict(rule) for rule in self._rules],
                "callbacks": dataclasses.asdict(self._callbacks),
                "met": {name: self._counts[name] for name in _CALLBACK_COUNTS},
            }

    def for_call(self, operation: str) -> Rule | None:
        """The fault of this call, if any; it counts in `times` of each rule that hits.

        Rules without a kind only delay. Delays add up until a rule with a kind hits.
        """
        fault: Rule | None = None
        with self._lock:
            for rule in self._rules:
                if not self._hits(rule, operation):
                    continue
                fault = dataclasses.replace(rule) if fault is None else _combine(fault, rule)
                if rule.kind:
                    break
        return fault

    def _hits(self, rule: Rule, operation: str) -> bool:
        """Draw whether a rule hits, and count the hit."""
        if rule.operation not in ("*", operation) or rule.times == 0:
            return False
        if self._random.random() >= rule.rate:
            return False
        if rule.skip:
            rule.skip -= 1
            return False
        if rule.times is not None:
            rule.times -= 1
        return True

    def for_callback(self) -> tuple[int, float]:
        """How often to send a callback (0: drop it), and how many seconds to hold it back."""
        with self._lock:
            chance, faults = self._random.random, self._callbacks
            copies = 0 if chance() < faults.drop else 2 if chance() < faults.duplicate else 1
            delay = self._random.uniform(0.2, 2.0) if chance() < faults.reorder else 0.0
            self._counts["callbacks"] += 1
            self._counts["dropped"] += copies == 0
            self._counts["doubled"] += copies == 2
            self._counts["held_back"] += copies > 0 and delay > 0
            return copies, delay


def _combine(delays: Rule, rule: Rule) -> Rule:
    """Add the delays of earlier rules to a rule."""
    return dataclasses.replace(
        rule,
        latency_seconds=delays.latency_seconds + rule.latency_seconds,
        drip_seconds=delays.drip_seconds + rule.drip_seconds,
        retry_after=max(delays.retry_after, rule.retry_after),
    )


def _parse_rule(item: Mapping[str, Any]) -> Rule:
    _refuse_unknown("rule", item, {field.name for field in dataclasses.fields(Rule)})
    for field in dataclasses.fields(Rule):
        if field.name in item:
            _check_field(field, item[field.name])
    rule = Rule(**item)
    if rule.kind not in ("", *_KINDS):
        raise FaultError(f"A rule's kind is one of {', '.join(_KINDS)}, not {rule.kind!r}.")
    return rule


def _check_field(field: "dataclasses.Field[Any]", value: object) -> None:
    """Raises NumberError or FaultError for a value that the field of a rule cannot have."""
    name, types = f"A rule's {field.name}", get_args(field.type) or (field.type,)
    if field.name in _LIMITS:
        number(name, value, *_LIMITS[field.name])
    elif field.name in _WHOLE_LIMITS and not (value is None and type(None) in types):
        whole_number(name, value, *_WHOLE_LIMITS[field.name])
    elif type(value) not in types:
        wanted = "true or false" if bool in types else "a text"
        raise FaultError(f"{name} must be {wanted}, not {value!r}.")


def _parse_callbacks(item: Mapping[str, Any]) -> CallbackFaults:
    _refuse_unknown("callbacks", item, {"drop", "duplicate", "reorder"})
    for name, share in item.items():
        number(f"callbacks.{name}", share, 0, 1)
    return CallbackFaults(**item)


def _refuse_unknown(what: str, item: object, allowed: set[str]) -> None:
    if not isinstance(item, Mapping):
        raise FaultError(f"{what} must be a JSON object.")
    unknown = sorted(set(item) - allowed)
    if unknown:
        names = ", ".join(sorted(allowed))
        raise FaultError(f"{what} has no {unknown[0]!r}; it may have {names}.")
