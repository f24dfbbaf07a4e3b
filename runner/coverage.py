"""Coverage of each package, all pytest runs together."""

import json
from collections import defaultdict
from pathlib import Path

from runner.children import Children
from runner.project import Python

Files = dict[str, dict[str, dict[str, int]]]


async def combine_coverage(folder: Path, children: Children, python: Python) -> Files | str:
    """Combine the data files of pytest-cov in `folder`.

    Returns the files of coverage's JSON report, or a sentence that says why there are none.
    """
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
    files: Files = json.loads(report.read_text(encoding="utf-8"))["files"]
    return files


def coverage_line(files: Files) -> str:
    """Percentage of statements and branches per top-level package."""
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
