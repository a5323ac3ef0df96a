"""From the start of a process to its first answered request, beside ``moto_server``."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Table, Unavailable, median, megabytes, ms, paired, spread
from benchmarks.processes import free_port, processor_seconds, resident
from tests.live.serve_process import COMMAND, clean_environment

_PAUSE_SECONDS = 0.002
_LIMIT_SECONDS = 60
_MOTO = "moto[s3,server]"


@dataclass
class Candidate:
    """``command`` makes the command line for a port; ``path`` is the first request."""

    name: str
    command: Callable[[int], Sequence[str]]
    path: str
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    def start_once(self, home: Path) -> None:
        """Start it, ask until it answers, note time and memory, stop it."""
        port = free_port()
        began = time.perf_counter()
        process = subprocess.Popen(
            self.command(port),
            env=clean_environment(home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not _answers(port, self.path):
                if process.poll() is not None or time.perf_counter() - began > _LIMIT_SECONDS:
                    raise Unavailable(f"{self.name} does not come up: {' '.join(self.command(port))}")
                time.sleep(_PAUSE_SECONDS)
            self.seconds.append(time.perf_counter() - began)
            self.processor.append(processor_seconds(process.pid))
            self.memory.append(resident(process.pid))
        finally:
            process.terminate()
            process.wait()

    def forget(self) -> None:
        """Drop what was noted so far."""
        for samples in (self.seconds, self.processor, self.memory):
            samples.clear()


def run(quick: bool = False) -> Table:
    rounds = 3 if quick else 15
    notes = [
        f"{rounds} rounds of each in turn after one that is not counted; a request is tried every 2 ms until one "
        "is answered."
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        candidates = _ours(folder)
        try:
            moto = _moto(folder / "moto")
            candidates.insert(0, Candidate("`moto_server`", moto, "/"))
        except Unavailable as reason:
            notes.append(f"**Nothing to compare with:** {reason}")
        floors = {
            "`python -c pass`": [sys.executable, "-c", "pass"],
            "`python -c 'import flask, sqlalchemy'`": [sys.executable, "-c", "import flask, sqlalchemy"],
        }
        bare: dict[str, list[float]] = {name: [] for name in floors}
        for counted in range(-1, rounds):
            for name, command in floors.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, env=clean_environment(folder))
                bare[name].append(time.perf_counter() - began)
            for candidate in candidates:
                candidate.start_once(folder)
            if counted < 0:
                for samples in bare.values():
                    samples.clear()
                for candidate in candidates:
                    candidate.forget()
    return Table(
        "Start to first answered request",
        (
            "started",
            "median",
            "least – most",
            f"beside {candidates[0].name}",
            "processor time",
            "memory then",
        ),
        [(name, ms(median(s)), spread(s), "", "", "") for name, s in bare.items()]
        + [_row(candidate, candidates[0]) for candidate in candidates],
        notes,
    )


def _row(candidate: Candidate, floor: Candidate) -> Sequence[str]:
    return (
        candidate.name,
        ms(median(candidate.seconds)),
        spread(candidate.seconds),
        paired(candidate.seconds, floor.seconds),
        ms(median(candidate.processor)),
        megabytes(median(candidate.memory)),
    )


def _ours(folder: Path) -> list[Candidate]:
    fresh = iter(range(1_000_000))

    def serve(data: Callable[[], str]) -> Callable[[int], Sequence[str]]:
        return lambda port: [*COMMAND, "serve", "--port", str(port), "--data-dir", str(folder / data())]

    return [
        Candidate(
            "`serve`, fresh data directory", serve(lambda: f"fresh-{next(fresh)}"), "/_emulator/health"
        ),
        Candidate("`serve`, existing one", serve(lambda: "existing"), "/_emulator/health"),
        Candidate("the same, first request `GET /jobs/v2`", serve(lambda: "existing"), "/jobs/v2"),
    ]


def _moto(place: Path) -> Callable[[int], Sequence[str]]:
    """moto_server from PyPI in an environment that goes with the benchmark."""
    venv.EnvBuilder(symlinks=True).create(place)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(place / "bin" / "python"),
        "install",
        "--quiet",
        _MOTO,
    ]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{_MOTO} cannot be installed: {done.stderr[-500:]}")
    return lambda port: [str(place / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise Unavailable(f"GET {path} is answered with {answer.status}")
    return True
