"""The benchmark of Narrowband HD: its comparisons and its totals."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.narrowband import Comparison, compare, table
from localvod.demo.clips import clips


def test_a_clip_is_compared_in_each_definition(tmp_path: Path) -> None:
    clip = replace(clips(1)[0], size=(180, 320), seconds=2)
    low, high = compare(clip, tmp_path)
    assert [low.definition, high.definition] == ["LD / LD-NBV1", "SD / SD-NBV1"]
    for result in (low, high):
        assert result.narrowband_bytes < result.standard_bytes
        assert 60 < result.narrowband_vmaf <= 100
        assert result.narrowband_vmaf == pytest.approx(result.standard_vmaf, abs=5)


def test_the_last_row_of_the_table_is_the_total() -> None:
    rows = table([
        Comparison("a", "540x960, 5 s", "LD / LD-NBV1", 1_000, 500, 96.0, 95.0),
        Comparison("b", "540x960, 5 s", "LD / LD-NBV1", 3_000, 2_500, 92.0, 91.0),
    ]).splitlines()  # fmt: skip
    assert rows[2] == "| a | 540x960, 5 s | LD / LD-NBV1 | 1,000 | 500 | 50% | 96.0 | 95.0 |"
    assert rows[-1] == "| **all** |  |  | 4,000 | 3,000 | 25% | 94.0 | 93.0 |"
