"""What is kept on disk about scripts handed over, so that a restart finds each of them again.

One directory for each job, outside of its work dir::

    <spool>/<job id>/
        intent.json  what was asked for, and the id that was given; without it the job was never taken
        started      when the script was told to start (the launcher's clock)
        claim        who runs it; made once, by the supervisor or by a cancel that came first
        pid          process id of the script
        exit         how it ended; the file's time is when
        killed.json  why it was killed, written before the first signal
        released     the job was held in its queue, and is no longer
        forgotten    the job is over: remove the directory as soon as nothing runs any more
        log          what the supervisor itself complained about
        nodes, tmp/  node file and TMPDIR of the script

Files are written to another name and renamed, or by the supervisor in one write with a line's end that
tells whole from partial. ``<spool>/.tools`` holds the supervisor, ``module`` and ``singularity``;
``<spool>/.numbers`` the last local job id of each host.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emulator.domain.ports import Launch
from emulator.runtimes.processes import Identity
from emulator.runtimes.singularity_file import install, own_interpreter

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_SHELL = Path(__file__).parent / "shell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A script that was handed over. ``remote_job_id`` is empty where the process id will be it.

    ``number`` counts the scripts of a host; ``image`` is empty for the process runtime.
    """

    launch: Launch
    number: int
    remote_job_id: str
    image: str
    submitted: datetime


@dataclass(frozen=True, slots=True)
class Exit:
    """How a script ended; a code above 128 stands for the signal ``code - 128``, as shells have it."""

    code: int
    out_of_memory: bool = False
    ended: datetime | None = None

    @property
    def signal(self) -> int:
        return self.code - 128 if 128 < self.code <= 128 + 64 else 0


class JobSpool:
    """The directory of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def job_id(self) -> str:
        return self.path.name

    @property
    def temporary(self) -> Path:
        return self.path / "tmp"

    @property
    def node_file(self) -> Path:
        return self.path / "nodes"

    @property
    def log(self) -> Path:
        return self.path / "log"

    def create(self, intent: Intent, node_lines: list[str]) -> None:
        """Take the job. From the moment this returns it survives the end of this program."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        if node_lines:
            self.node_file.write_text("\n".join(node_lines) + "\n", encoding="utf-8")
        document = {
            "launch": asdict(intent.launch),
            "number": intent.number,
            "remote_job_id": intent.remote_job_id,
            "image": intent.image,
            "submitted": intent.submitted.isoformat(),
        }
        self._put("intent.json", json.dumps(document))

    def intent(self) -> Intent | None:
        """None when the job was never taken, or is forgotten. Raises ValueError when it cannot be read."""
        text = self._get("intent.json")
        if text is None:
            return None
        document: dict[str, Any] = json.loads(text)
        known = {field.name for field in fields(Launch)}
        launch = Launch(**{key: value for key, value in document["launch"].items() if key in known})
        return Intent(
            launch=launch,
            number=document["number"],
            remote_job_id=document["remote_job_id"],
            image=document["image"],
            submitted=datetime.fromisoformat(document["submitted"]),
        )

    def is_kept(self) -> bool:
        """Whether nobody has removed the directory."""
        return (self.path / "intent.json").exists()

    def stamp_start(self, when: datetime) -> None:
        self._put("started", when.isoformat())

    def started(self) -> datetime | None:
        text = self._get("started")
        return datetime.fromisoformat(text) if text else None

    def claimed(self) -> bool:
        return (self.path / "claim").exists()

    def being_claimed(self) -> bool:
        """A supervisor has made the claim, and is about to write its line."""
        return self.claimed() and not self._line("claim")

    def take_claim(self) -> bool:
        """Make sure that the script never starts; False when a supervisor has it already."""
        try:
            with (self.path / "claim").open("x", encoding="ascii") as file:
                file.write("cancelled\n")
        except FileExistsError:
            return False
        return True

    def supervisor(self) -> Identity | None:
        """Who runs the script; None while the claim is being written, or when nobody ever will."""
        words = self._line("claim").split()
        return Identity(int(words[0]), words[1], words[2]) if len(words) == 3 else None

    def script_pid(self) -> str:
        """Empty while not known."""
        return self._line("pid")

    def exit(self) -> Exit | None:
        words = self._line("exit").split()
        if len(words) != 3:
            return None
        ended = datetime.fromtimestamp((self.path / "exit").stat().st_mtime, UTC)
        return Exit(int(words[1]), words[2] != "0", ended)

    def record_exit(self, seen: Exit) -> None:
        """In the supervisor's stead, when that was killed before it could."""
        self._put("exit", f"exit {seen.code} {int(seen.out_of_memory)}\n")

    def mark_killed(self, word: str, reason: str, when: datetime) -> None:
        """Note why the script is being killed; the first reason stays."""
        if self.killed() is None:
            self._put("killed.json", json.dumps({"word": word, "reason": reason, "at": when.isoformat()}))

    def killed(self) -> tuple[str, str, datetime] | None:
        """The scheduler's word (TIMEOUT, CANCELLED, …), the reason, and when."""
        text = self._get("killed.json")
        if text is None:
            return None
        document = json.loads(text)
        return document["word"], document["reason"], datetime.fromisoformat(document["at"])

    def mark_released(self) -> None:
        self._put("released", "")

    def released(self) -> bool:
        return (self.path / "released").exists()

    def mark_forgotten(self) -> None:
        self._put("forgotten", "")

    def forgotten(self) -> bool:
        return (self.path / "forgotten").exists()

    def complaint(self) -> str:
        """What the supervisor could not do, in its shell's words; at most 500 characters."""
        return (self._get("log") or "").strip()[:500]

    def remove(self) -> None:
        """Remove all. The intent goes first: what is left of a removal cut short is nobody's job.

        Raises OSError when something cannot be removed.
        """
        (self.path / "intent.json").unlink(missing_ok=True)
        if self.path.exists():
            try:
                shutil.rmtree(self.path)
            except RecursionError as error:  # a script has been digging in its temporary directory
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(self.path)) from error

    def _put(self, name: str, text: str) -> None:
        part = self.path / f".{name}.{threading.get_ident()}"
        part.write_text(text, encoding="utf-8")
        part.replace(self.path / name)

    def _get(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def _line(self, name: str) -> str:
        """A file that the supervisor writes; empty while its line is not whole."""
        text = self._get(name) or ""
        return text[:-1] if text.endswith("\n") else ""


class Spool:
    """All jobs of one emulator."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.tools = self.directory / ".tools"
        self._numbers = threading.Lock()

    def prepare(self) -> None:
        """Make the directory and put the tools of this version into it."""
        (self.tools / "bin").mkdir(parents=True, exist_ok=True)
        for source in (path for path in _SHELL.rglob("*") if path.is_file()):
            target = self.tools / source.relative_to(_SHELL)
            part = target.with_name(f".{target.name}")
            part.write_bytes(source.read_bytes())
            part.chmod(0o755)
            part.replace(target)  # a shell that is reading the old one keeps it
        images = self.tools / "images"
        images.mkdir(exist_ok=True)
        install(images, own_interpreter())

    def job(self, job_id: str) -> JobSpool:
        """Raises ValueError for an id that cannot be a directory's name."""
        if not NAME.fullmatch(job_id):
            raise ValueError(f"not a job id: {job_id!r}")
        return JobSpool(self.directory / job_id)

    def jobs(self) -> Iterator[JobSpool]:
        for path in sorted(self.directory.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                yield JobSpool(path)

    def next_number(self, world: str, host: str) -> int:
        """Rises with each call for a host, also across restarts; a number may be left out."""
        name = hashlib.sha256(f"{world}\n{host.lower()}".encode()).hexdigest()[:32]
        path = self.directory / ".numbers" / f"{world}.{name}"
        with self._numbers:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() and path.with_name(name).exists():  # as older versions called it
                path.with_name(name).rename(path)
            number = int(path.read_text(encoding="ascii")) + 1 if path.exists() else 1
            part = path.with_name(f".{path.name}")
            part.write_text(str(number), encoding="ascii")
            part.replace(path)
        return number

    def forget_numbers(self, world: str) -> None:
        """The numbers of a world's hosts begin with 1 again."""
        with self._numbers:
            for path in (self.directory / ".numbers").glob(f"{world}.*"):
                path.unlink(missing_ok=True)
