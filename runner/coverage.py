"""How much of each package the tests reach, over both databases together."""

import json
from collections import defaultdict
from pathlib import Path

from runner.children import Children
from runner.project import Python


async def coverage_table(folder: Path, children: Children, python: Python) -> str:
    """One line per package, from the data files that pytest-cov left in `folder`."""
    environment = python.environment({"COVERAGE_FILE": str(folder / "combined")})
    report = folder / "coverage.json"
    data_files = sorted(map(str, folder.iterdir()))
    if not data_files:
        return "Coverage is unknown: no tests ran."
    for arguments in (["combine", *data_files], ["json", "-q", "-o", str(report)]):
        status, output = await children.run(
            "coverage",
            python.module("coverage", *arguments),
            environment=environment,
            on_line=lambda _line: None,
        )
        if status != 0:
            return f"Coverage is unknown: {output[-1] if output else 'no data'}"
    return table(json.loads(report.read_text(encoding="utf-8"))["files"])


def table(files: dict[str, dict[str, dict[str, int]]]) -> str:
    """Statements and branches per top-level package of coverage's JSON report."""
    covered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for path, file in files.items():
        summary = file["summary"]
        for package in (Path(path).parts[0], "together"):
            covered[package] += summary["covered_lines"] + summary.get("covered_branches", 0)
            total[package] += summary["num_statements"] + summary.get("num_branches", 0)
    shares = (
        f"{package} {covered[package] / total[package]:.1%}"
        for package in sorted(total, key=lambda name: (name == "together", name))
        if total[package]
    )
    return f"Coverage (statements and branches): {', '.join(shares)}."
