"""The rules of the system hold for any events about a few clips, in any order.

`PROPERTIES=long` makes many more runs than a build has time for.
"""

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.machine import (
    AfterADeletion,
    AfterAnotherUpload,
    ConsoleMachine,
    FromTheStart,
)
from tests.faults.machine_fixtures import silent_vod, world
from tests.faults.machine_world import World

__all__ = ["silent_vod", "world"]

IS_LONG = os.environ.get("PROPERTIES") == "long"
BEGINNINGS: Final = {  # runs, and steps in each, of a build
    FromTheStart: (6, 50),
    AfterAnotherUpload: (5, 25),
    AfterADeletion: (4, 25),
}
LONG: Final = (200, 60)


def _profile(runs: int, steps: int) -> settings:
    return settings(
        max_examples=int(os.environ.get("PROPERTIES_RUNS", runs)),
        stateful_step_count=steps,
        derandomize=not IS_LONG,
        database=None,
        deadline=None,  # a step may wait for the end of a fault
        # A run takes seconds: its parts are real processes.
        suppress_health_check=[HealthCheck.too_slow],
        # Shrinking a counterexample takes minutes: PROPERTIES_SHRINK is for debugging.
        phases=[Phase.generate, *([Phase.shrink] if "PROPERTIES_SHRINK" in os.environ else [])],
        report_multiple_bugs=False,
    )


@pytest.mark.parametrize("machine", BEGINNINGS)
def test_the_rules_hold_whatever_happens(world: World, machine: type[ConsoleMachine]) -> None:
    machine.world = world
    runs, steps = LONG if IS_LONG else BEGINNINGS[machine]
    run_state_machine_as_test(machine, settings=_profile(runs, steps))
