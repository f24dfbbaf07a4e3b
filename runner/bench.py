"""`run.py bench`: starts a benchmark of `benchmarks/` in the project's environment."""

import os
from collections.abc import Sequence
from typing import Final

from runner.children import Children
from runner.installation import ensure_installed
from runner.project import Project

BENCHMARKS: Final = {
    "api": "benchmarks.api",
    "sync": "benchmarks.sync_catalogue",
    "reconcile": "benchmarks.reconcile",
}


async def run_benchmark(
    name: str, arguments: Sequence[str], project: Project, children: Children
) -> bool:
    """Run it to its end; `arguments` are its own. Returns whether it succeeded."""
    python = await ensure_installed(project, children)
    status, _ = await children.run(
        "bench",
        python.module(BENCHMARKS[name], *arguments),
        environment=python.environment({"ENV_FILE": os.devnull}),
        on_line=children.console.block,
    )
    return status == 0
