"""CPU and memory of a process and all its descendants, from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU of the tree: what runs, and what its members have reaped.

    PostgreSQL's parallel workers live for one query. The postmaster reaps them: `cutime`.
    """
    return sum(map(_ticks, _tree(pid))) / _TICKS_PER_SECOND


def memory_mib(pid: int) -> float:
    """Memory of the tree; pages that several processes share count once (PSS)."""
    return sum(map(_pss_kib, _tree(pid))) / 1024


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended
        return
    for child in children:
        yield from _tree(int(child))


def _ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()  # the name before may have blanks
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
