"""Who may import whom: the contracts in ``pyproject.toml`` hold, and each of them would notice a breach."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

from tests.arch.sources import CHECKOUT, PACKAGE, tool

# module -> a line that its layer must not have; together they break every contract
BREACHES = {
    "domain/job.py": "import threading",
    "domain/paths.py": "import emulator.store",
    "api/v2/wire.py": "import emulator.hosts.sandbox",
    "services/status.py": "import emulator.notify.mailbox",
    "notify/mailbox.py": "import sqlalchemy",
}


def test_all_contracts_hold() -> None:
    done = _lint(CHECKOUT)
    assert done.returncode == 0, f"a layer imports what it must not:\n{done.stdout}{done.stderr}"


def test_every_contract_notices_a_breach(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "emulator", ignore=shutil.ignore_patterns("__pycache__"))
    for module, line in BREACHES.items():
        path = tmp_path / "emulator" / module
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{line}\n", encoding="utf-8")
    done = _lint(tmp_path)
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]
    kept = [c["name"] for c in contracts["contracts"] if f"{c['name']} BROKEN" not in done.stdout]
    assert not kept, f"these contracts let every breach pass: {kept}\n{done.stdout}{done.stderr}"


def _lint(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("lint-imports"), "--no-cache"],
        cwd=directory,
        # the copy is to be looked at, not the installed package; and names not to be broken by a narrow terminal
        env={**os.environ, "PYTHONPATH": str(directory), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
