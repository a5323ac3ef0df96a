"""The project's own files, as the rules about them look at them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "emulator"


def modules(*folders: str) -> list[Path]:
    """All Python files below folders of the checkout."""
    return sorted(path for folder in folders for path in (CHECKOUT / folder).rglob("*.py"))


def text_files() -> list[Path]:
    """Every text file that belongs to the project: what git knows, or all that lies there where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [CHECKOUT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        hidden = {".venv", ".venv-clients", "__pycache__", "dist", "build"}
        found = [path for path in CHECKOUT.rglob("*") if not hidden.intersection(path.parts)]
    return [path for path in found if path.is_file() and not path.is_symlink() and _is_text(path)]


def inside(path: Path) -> str:
    """A file's path as messages show it: relative to the checkout."""
    return str(path.relative_to(CHECKOUT))


def tool(name: str) -> str:
    """A development tool of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"\0" not in stream.read(4096)
