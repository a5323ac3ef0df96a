"""``files.staging_delay_ms``: an upload that counts as staged only later [files §6.1]."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from emulator.app import Emulator
from emulator.domain.file import LogicalFile
from tests.contract.files.conftest import Bench
from tests.real.waiting import wait_until
from tests.served import Api, served

DELAY = 700


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("emulator"), staging_delay_ms=DELAY) as running:
        yield running


def test_the_bytes_are_there_at_once_and_count_after_the_delay(bench: Bench, private: str) -> None:
    answer = bench.upload(f"system/{private}", b"hello", "a.txt")
    assert answer.json["result"]["status"] == "STAGING_QUEUED"
    assert bench.request("GET", f"media/system/{private}/a.txt").body == b"hello"
    uuid = answer.json["result"]["uuid"]

    def record() -> LogicalFile:
        with bench.store.read() as tx:
            found = tx.files.by_uuid(uuid)
        assert found is not None
        return found

    wait_until(lambda: record().status == "STAGING_COMPLETED")
    lines = bench.call("GET", f"history/system/{private}/a.txt")
    staging = [line for line in lines if line["status"] != "DOWNLOAD"]
    assert [line["status"] for line in staging] == ["STAGING_QUEUED", "UPLOAD", "STAGING_COMPLETED"]
    came = record().created  # the first line is written a moment later
    came = came.replace(microsecond=came.microsecond // 1000 * 1000)  # as lines tell it
    completed = datetime.fromisoformat(staging[-1]["created"])
    assert completed - came >= timedelta(milliseconds=DELAY)


def test_a_second_upload_meanwhile(bench: Bench, private: str) -> None:
    for content in (b"1", b"2"):
        bench.upload(f"system/{private}", content, "a.txt")

    def staged() -> int:
        return [status for status, _ in bench.history(f"system/{private}/a.txt")].count("STAGING_COMPLETED")

    wait_until(lambda: staged() == 2)
    assert bench.real(private, "/home/a.txt").read_bytes() == b"2"


def test_the_end_of_the_program_does_not_forget_it(tmp_path: Path) -> None:
    with served(tmp_path, staging_delay_ms=3_600_000) as first:
        Api(first.url).call("POST", "files/v2/media/testuser", 202, files={"fileToUpload": ("a", b"1")})
        with first.store.write() as tx:
            (task,) = tx.file_stagings.all()
            tx.file_stagings.save(replace(task, due=first.clocks.machine.now()))
    with served(tmp_path) as second:
        api = Api(second.url)
        wait_until(
            lambda: api.call("GET", "files/v2/history/testuser/a")[-1]["status"] == "STAGING_COMPLETED"
        )


def test_a_system_switched_off_meanwhile(bench: Bench, private: str) -> None:
    uuid = bench.upload(f"system/{private}", b"1", "a").json["result"]["uuid"]
    bench.alter(private, available=False)

    def status() -> str:
        with bench.store.read() as tx:
            found = tx.files.by_uuid(uuid)
        assert found is not None
        return found.status

    wait_until(lambda: status() == "STAGING_FAILED")
    bench.alter(private, available=True)
    last = bench.call("GET", f"history/system/{private}/a")[-1]
    assert (last["status"], "No resource found" in last["description"]) == ("STAGING_FAILED", True)
