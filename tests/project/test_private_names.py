"""A name that only its own module uses starts with an underscore; no other module imports it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("accounts", "localvod", "recommendations", "runner", "shortvideo", "videos")
USERS: Final = (*PACKAGES, "benchmarks", "tests", "run.py")
# They return a function that is called as before. Others, such as `receiver`, register it.
WRAPPERS: Final = {
    "asynccontextmanager",
    "atomic",
    "cache",
    "contextmanager",
    "lru_cache",
    "non_atomic_requests",
    "overload",
}
# `localvod.cli` imports the module of a command by its name, and looks these up in it.
OF_A_COMMAND: Final = re.compile(r"localvod\..*\.(run(_\w+)?|add_(\w+_)?arguments)")


@cache
def trees(*folders: str, with_migrations: bool = False) -> dict[str, ast.Module]:
    """The parsed modules by their dotted names."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py")) or [ROOT / folder]
        if with_migrations or "migrations" not in path.parts
    }


def is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/") / "__init__.py").exists()


def source_of(node: ast.ImportFrom, module: str) -> str:
    """The dotted name of the module that `node` in `module` imports from."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package(module)]
    return ".".join([*parts, *filter(None, [node.module])])


def uses(module: str, tree: ast.Module) -> Iterator[str]:
    """The dotted names, such as `videos.mirror.write`, that a module imports or reads."""
    modules: dict[str, str] = {}  # by the name that they have here
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{source_of(node, module)}.{alias.name}"
                modules[alias.asname or alias.name] = name
                yield name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value  # a setting, such as AXES_LOCKOUT_CALLABLE
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (owner := modules.get(ast.unparse(node.value))):
            yield f"{owner}.{node.attr}"


def registers(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator hands the function to its caller."""
    names = {
        ast.unparse(each.func if isinstance(each, ast.Call) else each).rpartition(".")[2]
        for each in function.decorator_list
    }
    return bool(names - WRAPPERS)


def public_functions() -> Iterator[str]:
    for module, tree in trees(*PACKAGES).items():
        for node in tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and not registers(node)
                and not OF_A_COMMAND.fullmatch(f"{module}.{node.name}")
            ):
                yield f"{module}.{node.name}"


def test_no_module_imports_a_private_name() -> None:
    private = [
        f"{module} uses {name}"
        for module, tree in trees(*PACKAGES).items()
        for name in uses(module, tree)
        if name.rpartition(".")[0] in trees(*PACKAGES).keys() - {module}
        and name.rpartition(".")[2].startswith("_")
        and not name.endswith("__")
    ]
    assert private == []


def test_a_function_that_only_its_module_uses_is_private() -> None:
    used = {
        name
        for module, tree in trees(*USERS, with_migrations=True).items()
        for name in uses(module, tree)
        if name.rpartition(".")[0] != module
    }
    assert sorted(set(public_functions()) - used) == []
