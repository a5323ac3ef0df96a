"""This machine itself behind a host name: its own files, its own processes, no sandbox."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.live.backends.backend import FORK, HOST, Backend
from tests.served import served


class LocalBackend(Backend):
    scratch: Path

    def system_document(self) -> dict[str, Any]:
        document = super().system_document()
        document["storage"]["homeDir"] = document["scratchDir"] = str(self.scratch)
        return document


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalBackend]:
    LocalBackend.scratch = tmp_path / "scratch"
    LocalBackend.scratch.mkdir()
    with served(tmp_path / "data", hosts={HOST: "local"}) as emulator:
        yield LocalBackend(replace(FORK, name="local"), emulator, None)


def test_a_job_runs_where_this_machine_keeps_its_files(local: LocalBackend) -> None:
    job = local.run("pwd; echo $$ > here.txt; exit 3\n", archive=False)
    assert job["status"] == "FAILED"
    assert job["lastStatusMessage"].endswith(
        "Failure indicated by Fork status FAILED with user application return code: 3"
    )
    work_dir = Path(job["workPath"])
    assert work_dir.is_relative_to(local.scratch)
    assert (work_dir / "here.txt").exists()
    assert local.stdout(job) == f"{work_dir}\n"


def test_outputs_are_archived_and_nothing_is_left(local: LocalBackend) -> None:
    job = local.run("mkdir d; echo 1 > d/f\n")
    assert job["status"] == "FINISHED", job["lastStatusMessage"]
    assert local.output(job["id"], "d/f") == b"1\n"
    assert not [path for path in local.scratch.rglob("*") if job["id"] in path.name]


def test_cancel(local: LocalBackend) -> None:
    job = local.submit(local.app("sleep 1000 & sleep 1000\n"))
    local.wait(job, "RUNNING")
    local.cancel(job)
    assert local.finished(job)["status"] == "STOPPED"
    local.nothing_runs(job)
