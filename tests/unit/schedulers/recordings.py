"""What schedulers have said, as kept in ``recorded/``; its README tells which of it was real."""

from __future__ import annotations

import stat
from pathlib import Path

from emulator.domain.ports import Completed, Launch
from emulator.schedulers.dialects.replies import BEGIN, END

DIRECTORY = Path(__file__).parent / "recorded"


def recorded(name: str) -> Completed:
    """``slurm/status.answered``: the exit code and both streams."""
    text = (DIRECTORY / f"{name}.txt").read_text()
    head, _, rest = text.partition("--- stdout\n")
    stdout, _, stderr = rest.rpartition("--- stderr\n")
    return Completed(int(head.rsplit("exit code ", 1)[1]), stdout, stderr)


def framed_reply(*rows: str, banner: str = "", stderr: str = "") -> Completed:
    """A reply of a scheduler to a question, written for the occasion."""
    body = "".join(f"{row}\n" for row in rows)
    return Completed(0, f"{banner}\n{BEGIN}\n{body}\n{END} 0\n", stderr)


def launch(scheduler: str, name: str = "job", work_dir: str = "/scratch/w é x", **changes: object) -> Launch:
    values: dict[str, object] = {
        "job_id": f"{name}-007",
        "world": "dev",
        "host": "login.example.org",
        "system_id": "hpc",
        "app_id": "app-1.0",
        "owner": "testuser",
        "name": name,
        "scheduler": scheduler,
        "script": f"{work_dir}/{name}.ipcexe",
        "work_dir": work_dir,
        "stdout": f"{work_dir}/{name}.out",
        "stderr": f"{work_dir}/{name}.err",
        "home_dir": "/home/testuser",
        "max_run_seconds": 0,
    }
    return Launch(**(values | changes))  # type: ignore[arg-type]


def stand_in(directory: Path, command: str, reply: Completed | str) -> None:
    """A command of a scheduler that says what was recorded; for the shell text of the questions."""
    text = reply
    if isinstance(reply, Completed):
        (directory / f"{command}.out").write_text(reply.stdout)
        (directory / f"{command}.err").write_text(reply.stderr)
        said = f"cat {directory}/{command}.out; cat {directory}/{command}.err >&2"
        text = f"{said}; exit {reply.code}"
    path = directory / command
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
