"""What holds for each file of code: small, introduced, its imports declared, no sleeping in tests."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.arch.sources import CHECKOUT, PACKAGE, inside, modules

MOST_LINES = 400
# what a declared dependency brings along as part of its own interface: its request objects, its exceptions
BROUGHT_BY = {"werkzeug": "flask", "requests": "docker", "referencing": "jsonschema"}
# the one place that may look, wait and look again
BOUNDED_WAIT = CHECKOUT / "tests" / "real" / "waiting.py"


def test_files_fit_into_a_head() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules("emulator")}
    long = [f"{inside(path)}: {lines} lines" for path, lines in sizes.items() if lines > MOST_LINES]
    assert not long, f"split these by noun, {MOST_LINES} lines are the most:\n" + "\n".join(long)


def test_modules_say_what_they_are() -> None:
    silent = [inside(path) for path in modules("emulator", "benchmarks") if _is_silent(path)]
    assert not silent, "these modules need a docstring that says what they are:\n" + "\n".join(silent)


def test_imports_are_declared() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    lines = [*project["dependencies"], *extras]
    declared = {_plain(re.split(r"[\s<>=!~\[;]", line)[0]) for line in lines}
    known = packages_distributions()
    missing = {
        f"{inside(path)} imports {name}"
        for path in modules("emulator")
        for name in _imported(path)
        if name not in sys.stdlib_module_names
        and name != PACKAGE.name
        and not declared.intersection(_plain(found) for found in known.get(name, [name]))
        and BROUGHT_BY.get(name) not in declared
    }
    assert not missing, "not among the dependencies of pyproject.toml:\n" + "\n".join(sorted(missing))


def test_tests_wait_for_conditions() -> None:
    asleep = [
        f"{inside(path)}:{line}"
        for path in modules("tests")
        if path != BOUNDED_WAIT
        for line in _sleeps(path)
    ]
    assert not asleep, "wait for a condition (tests.real.waiting) instead of sleeping:\n" + "\n".join(asleep)


def _is_silent(path: Path) -> bool:
    tree = _tree(path)
    return bool(tree.body) and not ast.get_docstring(tree)


def _imported(path: Path) -> set[str]:
    """The top-level names of all imports, wherever in the file they stand; not those for type checkers only."""
    names = set()
    tree = _tree(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def _sleeps(path: Path) -> list[int]:
    """Lines that call ``time.sleep``, under whatever name it was imported."""
    found = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [node.lineno for alias in node.names if alias.name == "sleep"]
        elif isinstance(node, ast.Attribute) and node.attr == "sleep" and isinstance(node.value, ast.Name):
            found += [node.lineno] if node.value.id == "time" else []
    return found


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
