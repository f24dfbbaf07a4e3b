"""A small storm, with all that the long one of `benchmarks/faults` does."""

import logging

import pytest

from runner.postgres import binaries
from tests.faults.storm.run import Report, run_storm
from tests.faults.storm.scale import SMALL

LOG_TAIL = 2_000  # characters of each program's log, where the storm failed

pytestmark = pytest.mark.skipif(binaries() is None, reason="no PostgreSQL binaries found")


def test_nothing_is_lost_in_a_storm(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "httpx")
    report = run_storm(SMALL, seed=1)
    assert not report.breaches, _story(report)


def _story(report: Report) -> str:
    logs = [f"--- {name}\n{text[-LOG_TAIL:]}" for name, text in report.logs.items()]
    return "\n".join([*report.breaches, report.table(), *logs])
