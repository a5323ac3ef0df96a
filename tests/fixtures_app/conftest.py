"""The app bundle, its modules and ways to run it, for the tests of this folder."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
BUNDLE = FIXTURES / "course" / "app-bundle"
Classify = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def modules() -> Iterator[SimpleNamespace]:
    """The bundle's and the training's modules, imported without leaving a __pycache__ in shipped folders."""
    folders = [str(BUNDLE), str(FIXTURES / "course" / "training")]
    names = ("picture", "features", "classify", "png_writer", "scenes")
    wrote = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path[:0] = folders
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    finally:
        sys.dont_write_bytecode = wrote
        for folder in folders:
            sys.path.remove(folder)
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the bundle, as a job finds it in its work directory."""
    return Path(shutil.copytree(BUNDLE, tmp_path / "job", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def classify(bundle: Path) -> Classify:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "classify.py", *map(str, arguments)]
        return subprocess.run(command, cwd=bundle, capture_output=True, text=True, timeout=60)

    return run
