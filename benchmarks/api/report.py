"""Tables and charts of `docs/performance.md`, from the results of a run."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from benchmarks.api.charts import bar_chart, line_chart
from benchmarks.api.targets import TARGETS

_DOCS: Final = Path(__file__).resolve().parent.parent.parent / "docs"
_PAGE: Final = _DOCS / "performance.md"
_FOLDER: Final = _DOCS / "performance"
_GENERATED: Final = re.compile(r"(<!-- api -->\n).*?(<!-- end -->)", re.DOTALL)
_BUSY: Final = 16  # requests under way, of charts
_HEAD: Final = """
| request | server | CPU, ms (least to most) | x floor | requests/s | x | p50, ms | x | p99, ms |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""

Row = dict[str, Any]
Key = tuple[str, str, int, int]  # target, server, videos, connections


def write_report(results: Row) -> None:
    """Replace the generated part of the page, and its charts."""
    rows = {_key(row): row for row in results["cells"]}
    machine = (
        f"{results['rounds']} rounds of {results['seconds']:g} s each, in random order; medians. "
        f"PostgreSQL {results['postgresql']}, Python {results['python']}, {results['cores']} cores "
        "for the servers, the database and the client.\n"
    )
    parts = [machine]
    for videos in sorted({row["videos"] for row in rows.values()}):
        for connections in sorted({row["connections"] for row in rows.values()}):
            under_way = "1 request" if connections == 1 else f"{connections} requests"
            parts.append(f"\n### {videos:,} videos, {under_way} under way\n{_HEAD}")
            parts += _table(rows, videos, connections)
    parts.append(_memory(rows))
    page = _PAGE.read_text()
    _PAGE.write_text(_GENERATED.sub(lambda found: f"{found[1]}{''.join(parts)}{found[2]}", page))
    _write_charts(rows)


def _key(row: Row) -> Key:
    return row["target"], row["server"], row["videos"], row["connections"]


def _table(rows: dict[Key, Row], videos: int, connections: int) -> list[str]:
    lines = []
    for target in TARGETS:
        for server in ("floor", "ours", "reference"):
            row = rows.get((target.name, server, videos, connections))
            if row is None:
                continue
            floor = rows.get((target.name, "floor", videos, connections))
            floor = floor or rows.get(("page1", "floor", videos, connections))
            lines.append(_line(target.label, server, row, floor))
    return lines


def _line(label: str, server: str, row: Row, floor: Row | None) -> str:
    def times(name: str) -> str:
        return f"{row[name] / floor[name]:.2f}" if floor else ""

    cpu = f"{row['cpu_ms']:.2f} ({row['least_cpu_ms']:.2f} to {row['most_cpu_ms']:.2f})"
    return (
        f"| {label} | {server} | {cpu} | {times('cpu_ms')} "
        f"| {row['requests_per_second']:,.0f} | {times('requests_per_second')} "
        f"| {row['p50_ms']:.1f} | {times('p50_ms')} | {row['p99_ms']:.0f} |\n"
    )


def _memory(rows: dict[Key, Row]) -> str:
    used: dict[str, float] = defaultdict(float)
    for (_, server, _, _), row in rows.items():
        used[server] = max(used[server], row["memory_mib"])
    page = next((row for key, row in rows.items() if key[:2] == ("page1", "ours")), None)
    size = f" A page of 20 has {page['body_bytes']:,} bytes." if page else ""
    listed = ", ".join(f"{server} {mib:.0f} MiB" for server, mib in sorted(used.items()))
    return f"\nMemory of all processes of a server (PSS): {listed}.{size}\n\n"


def _write_charts(rows: dict[Key, Row]) -> None:
    _FOLDER.mkdir(exist_ok=True)
    smallest = min(key[2] for key in rows)
    bars: dict[str, dict[str, float]] = {}
    lines: dict[str, list[tuple[int, float]]] = {}
    for target in TARGETS:
        for server in ("floor", "ours", "reference"):
            sizes = sorted(key[2] for key in rows if key[:2] == (target.name, server))
            found = [(size, rows.get((target.name, server, size, _BUSY))) for size in sizes]
            points = [(size, row["cpu_ms"]) for size, row in dict(found).items() if row]
            if points and points[0][0] == smallest:
                bars.setdefault(target.label, {})[server] = round(points[0][1], 2)
            if points and target.name in ("page1", "last"):
                lines[f"{target.label.removeprefix('getVideos, ')} {server}"] = points
    chart = bar_chart(f"CPU of a request at {smallest:,} videos", "ms, servers and database", bars)
    (_FOLDER / "cost.svg").write_text(chart)
    chart = line_chart("CPU of a page of 20 against the number of videos (ms)", lines)
    (_FOLDER / "size.svg").write_text(chart)
