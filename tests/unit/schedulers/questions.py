"""Runs the shell text of a question where the scheduler's commands are stand-ins that say what was recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from emulator.domain.ports import Completed
from tests.unit.schedulers.recordings import stand_in

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]


def ask(question: str, commands: Mapping[str, Completed | str], directory: Path, shell: str) -> Completed:
    """``commands`` by name: what each says, or its text in shell."""
    stand_ins = directory / "stand-ins"
    stand_ins.mkdir(exist_ok=True)
    for name, says in commands.items():
        stand_in(stand_ins, name, says)
    environment = {**os.environ, "PATH": f"{stand_ins}:{os.environ['PATH']}"}
    done = subprocess.run(
        [shell, "-c", question],
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Completed(done.returncode, done.stdout, done.stderr)
