"""transfer.file in the life of a job: inputs, assets and archives that meet every kind of trouble on their way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import pytest

from emulator.domain.fault import Action
from emulator.domain.inputs import SourceKind
from emulator.domain.job import Job
from emulator.engine.struck_files import fetched, way_of
from emulator.settings import Settings
from tests.engine.bench import EXECUTION, QUICK, STORAGE, WORLD, source
from tests.engine.struck import StruckBench, struck_bench
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(2)


@dataclass(frozen=True)
class Where:
    """A transfer of each job: the file that is struck, and how the service tells of what happens to it."""

    path: str
    words: str
    attempt: str
    uri: str
    content: bytes
    blocked_in: str
    transfer: str


INPUT = b"12345"
OUTPUT = b"hello\n"
WRAPPER = b"#!/bin/sh\necho ${greeting} > out.txt\n"
PLACES = {
    "inputs": Where(
        "/home/data/input.txt",
        "JOBS_STAGING_FAILED Unable to stage job inputs: ",
        "Attempt {} failed to stage job inputs. ",
        f"agave://{STORAGE}/data/input.txt",
        INPUT,
        "STAGING_INPUTS",
        "input",
    ),
    "assets": Where(
        "/home/apps/hello/wrapper.sh",
        "JOBS_STAGING_FAILED Unable to stage runtime assets: ",
        "Attempt {} failed to stage runtime assets. ",
        f"agave://{STORAGE}/apps/hello/wrapper.sh",
        WRAPPER,
        "STAGING_JOB",
        "asset",
    ),
    "archive": Where(
        "*/archive/jobs/*/out.txt",
        "JOBS_ARCHIVING_FAILED Unable to archive outputs for job: ",
        "Attempt {} failed to archive job output. ",
        "agave://{system}/{work}/out.txt",
        OUTPUT,
        "ARCHIVING",
        "archive",
    ),
}


@dataclass(frozen=True)
class Row:
    """``ends`` is the error's text where the job fails by it, else what has become of the file."""

    name: str
    do: str
    times: int | None
    attempts: int
    ends: str | bytes | None
    blocked: int = 0
    error: str = ""

    @property
    def fails(self) -> bool:
        return isinstance(self.ends, str)

    @property
    def words(self) -> str:
        return str(self.ends) if self.fails else self.error


EIO, GONE, RESET = "Input/output error", "No such file or directory", "Connection reset by peer"
FULL, DENIED = "No space left on device", "Permission denied"
ROWS = [
    Row("read-error", "read-error", None, 3, EIO),
    Row("read-error-once", "read-error", 1, 1, None, error=EIO),
    Row("read-error-twice-late", "{read-error: 3}", 2, 2, None, error=EIO),
    Row("read-error-late", "{read-error: {after: 3}}", None, 3, EIO),
    Row("read-error-behind-the-end", "{read-error: {after: 1MB}}", None, 3, EIO),
    Row("disk-full", "disk-full", None, 1, FULL),
    Row("disk-full-late", "{disk-full: 2}", 1, 1, FULL),
    Row("vanish", "vanish", 1, 1, GONE),
    Row("truncate", "truncate", None, 3, "only {half} of {all} bytes came"),
    Row("truncate-once", "{truncate: 50%}", 1, 1, None, error="only {half} of {all} bytes came"),
    Row("truncate-silently", "{truncate: {silently: true}}", None, 0, b"half"),
    Row("truncate-to-nothing", "{truncate: {share: 0, silently: true}}", None, 0, b"none"),
    Row("corrupt", "corrupt", None, 0, b"flipped"),
    Row("corrupt-much", "{corrupt: {bytes: 2, at: 1}}", None, 0, b"flipped at 1"),
    Row("deny", "deny", None, 1, DENIED),
    Row("deny-write", "{deny: write}", None, 1, DENIED),
    Row("drop-once", "drop", 1, 1, None, error=RESET),
    Row("drop", "drop", 3, 3, None, blocked=1, error=RESET),
    Row("drop-late", "{drop: 2}", 3, 3, None, blocked=1, error=RESET),
    Row("drop-again-and-again", "{drop: 1}", 7, 7, None, blocked=2, error=RESET),
]


def changed(content: bytes, how: str | bytes | None) -> bytes:
    if how == b"half":
        return content[: len(content) // 2]
    if how == b"none":
        return b""
    if how == b"flipped":
        return bytes([content[0] ^ 0xFF]) + content[1:]
    if how == b"flipped at 1":
        return content[:1] + bytes(byte ^ 0xFF for byte in content[1:3]) + content[3:]
    return content


Made = tuple[StruckBench, Where, dict[str, Job]]


@pytest.fixture(scope="module", params=PLACES)
def struck(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Made]:
    """A job for each row, all at once."""
    where = PLACES[request.param]
    with struck_bench(tmp_path_factory.mktemp("struck"), settings=replace(QUICK, workers=4)) as bench:
        jobs = {}
        for row in ROWS:
            when = f"{{job_name: {row.name}, path: '{where.path}'}}"
            bench.arm("transfer.file", row.do, name=row.name, when=when, times=row.times or "forever")
            jobs[row.name] = bench.wake(bench.with_input(INPUT.decode(), name=row.name))
        yield bench, where, jobs


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_file_of_a_job(struck: Made, row: Row) -> None:
    bench, where, jobs = struck
    job = bench.end(jobs[row.name])
    uri = where.uri.format(system=EXECUTION, work=job.plan.work_path)
    size = {"half": len(where.content) // 2, "all": len(where.content)}
    words = f"{uri}: {row.words.format(**size)}"
    tries = [(number - 1) % 3 + 1 for number in range(1, row.attempts + 1)]
    assert bench.notes(job) == [where.attempt.format(number) + words for number in tries]
    assert (job.status, job.blocked_count) == ("FAILED" if row.fails else "FINISHED", row.blocked)
    assert bench.states(job.id).count("BLOCKED") == row.blocked
    strikes = [one for one in bench.struck() if one.facts["job"] == job.id]
    assert len(strikes) == max(1, row.attempts)
    assert {(one.facts["system"], one.facts["transfer"]) for one in strikes} == {(STORAGE, where.transfer)}
    name = uri.rpartition("/")[2]
    work, archive = (
        bench.real(EXECUTION, job.plan.work_path),
        bench.real(STORAGE, job.plan.archive_path),
    )
    if not row.fails:
        if name != "wrapper.sh":  # assets are not archived
            assert (archive / name).read_bytes() == changed(where.content, row.ends)
        assert not work.exists()
        return
    assert job.last_status_message == where.words + words
    reached = archive if where.blocked_in == "ARCHIVING" else work
    assert work.exists() and not (reached / name).exists(), "nothing half is left"
    assert not list(reached.rglob(".tapis-tmp-*"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[StruckBench]:
    with struck_bench(tmp_path) as made:
        yield made


def test_what_arrives_is_compared_where_that_is_asked_for(tmp_path: Path) -> None:
    with struck_bench(tmp_path, settings=replace(QUICK, checksums=True)) as bench:
        bench.arm("transfer.file", "corrupt", when="{path: '*/input.txt'}", times=1)
        job = bench.run(bench.with_input())
        cause = f"agave://{STORAGE}/data/input.txt: the copy has another checksum"
        assert bench.notes(job) == [f"Attempt 1 failed to stage job inputs. {cause}"]
        assert (bench.real(STORAGE, job.plan.archive_path) / "input.txt").read_text() == "12345"
        bench.disarm()
        bench.arm("transfer.file", "{truncate: {silently: true}}", when="{path: /home/data/input.txt}")
        job = bench.run(bench.with_input())
        assert job.last_status_message == f"JOBS_STAGING_FAILED Unable to stage job inputs: {cause}"


def test_a_cancelled_job_is_held_at_no_file(bench: StruckBench) -> None:
    bench.arm("transfer.file", "hold", when="{transfer: input}")
    job = bench.wake(bench.with_input())
    bench.wait_for_strikes(1)
    assert bench.held() == [job.id]
    with bench.store.read() as tx:
        (stop,) = tx.scenarios.stops()
    bench.cancel(job.id)
    assert bench.end(job).status == "STOPPED"
    wait_until(lambda: bench.held() == [], what="the job to be held no more")
    with bench.store.write() as tx:  # as a kill just behind the job's end leaves it
        tx.scenarios.add_stop(stop)
    bench.armory.load()
    assert bench.held() == []


def test_what_comes_from_outside_without_a_length_is_not_whole_when_it_is_truncated() -> None:
    def truncated(silently: bool) -> bytes:
        action = Action("truncate", {"share": 0.5, "silently": silently})
        return fetched(BytesIO(INPUT), way_of(action, lambda _passed, _rate: None), None).read()

    assert truncated(silently=True) == b""
    with pytest.raises(ConnectionResetError):
        truncated(silently=False)


def test_slow_by_the_clock_of_the_world(tmp_path: Path) -> None:
    """10 bytes a second: after four seconds 40 of 100 bytes have come, and the history says so."""
    with struck_bench(tmp_path, settings=Settings(workers=1)) as bench:
        bench.freeze()
        bench.arm("transfer.file", "{slow: 10B/s}", when="{path: /home/data/input.txt}")
        job = bench.wake(bench.with_input("x" * 100, name="slow"))
        bench.wait_for_strikes(1)
        other = bench.wake(bench.submit(name="other"))
        assert bench.end(other).status == "FINISHED", "the thread that waits is made up for"

        def come() -> Any:
            entry = next(event for event in bench.history(job.id) if event.progress)
            return (entry.progress or {})["total_bytes_transferred"]

        def let(seconds: int) -> None:
            clock = bench.clocks.of(WORLD)
            for _ in range(seconds):
                wait_until(lambda: clock.next_awaited() is not None, what="the next piece")
                bench.advance(1)

        let(4)
        wait_until(lambda: come() in (30, 40), what=f"forty bytes, not {come()}")
        assert bench.job(job.id).status == "STAGING_INPUTS"
        let(6)
        ended = bench.end(job)
        assert ended.status == "FINISHED"
        assert (bench.real(STORAGE, job.plan.archive_path) / "input.txt").read_text() == "x" * 100


@pytest.mark.parametrize("do", ["{slow: 1B/s}", "hold", "{delay: 2h}"])
def test_a_cancel_does_not_wait_for_a_file(tmp_path: Path, do: str) -> None:
    with struck_bench(tmp_path, settings=Settings(workers=1)) as bench:
        bench.freeze()
        bench.arm("transfer.file", do, when="{path: /home/data/input.txt}")
        job = bench.wake(bench.with_input("x" * 100))
        bench.wait_for_strikes(1)
        bench.cancel(job.id)
        assert bench.end(job).status == "STOPPED"
        work = bench.real(EXECUTION, job.plan.work_path)
        assert not (work / "input.txt").exists()


def test_a_file_is_held_until_it_is_released(tmp_path: Path) -> None:
    with struck_bench(tmp_path, settings=Settings(workers=1)) as bench:
        bench.arm("transfer.file", "hold", when="{path: '*/archive/*'}")
        jobs = [bench.wake(bench.submit(name=f"held {number}")) for number in range(3)]
        wait_until(
            lambda: {bench.job(job.id).status for job in jobs} == {"ARCHIVING"}, what="all of them held"
        )
        bench.wait_for_strikes(3)
        bench.disarm()
        assert [bench.end(job).status for job in jobs] == ["FINISHED"] * 3


def test_a_held_file_is_held_again_after_a_restart(tmp_path: Path) -> None:
    with struck_bench(tmp_path) as bench:
        bench.arm("transfer.file", "hold", when="{path: /home/data/input.txt}")
        job = bench.wake(bench.with_input())
        bench.wait_for_strikes(1)
    again = StruckBench(tmp_path)
    again.engine.start()
    again.engine.wake(job.id)
    again.wait_for(job, "STAGING_INPUTS")
    wait_until(lambda: again.engine._blocked == 1, what="the file to be held again")
    again.armory.release(WORLD)
    assert again.end(job).status == "FINISHED" and len(again.struck()) == 1
    again.close()


# assets in a zip file


def zipped(bench: StruckBench) -> Job:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("hello/wrapper.sh", WRAPPER)
        for number in range(50):
            archive.writestr(f"hello/lib/{number}.txt", "text\n" * 100)
    path = bench.put(STORAGE, "apps/hello.zip", "")
    path.write_bytes(content.getvalue())
    with bench.store.read() as tx:
        app = tx.apps.get(WORLD, "hello-1.0")
    assert app is not None
    return bench.submit(app=replace(app, deployment_path="apps/hello.zip"))


@pytest.mark.parametrize(
    ("do", "ends"),
    [
        ("{read-error: 10kB}", f"agave://{STORAGE}/apps/hello.zip: {EIO}"),
        ("{disk-full: 10}", f"agave://{STORAGE}/apps/hello.zip: {FULL}"),
        ("vanish", f"agave://{STORAGE}/apps/hello.zip: {GONE}"),
        ("truncate", f"agave://{STORAGE}/apps/hello.zip cannot be unpacked: File is not a zip file"),
        ("{slow: 2kB/s}", ""),
    ],
)
def test_assets_in_a_zip_file(bench: StruckBench, do: str, ends: str) -> None:
    bench.arm("transfer.file", do, when="{path: '*.zip'}")
    job = bench.wake(zipped(bench))
    if not ends:
        bench.disarm()
    job = bench.end(job)
    if ends:
        assert job.last_status_message == f"JOBS_STAGING_FAILED Unable to stage runtime assets: {ends}"
    else:
        assert job.status == "FINISHED"


def test_a_slow_zip_file_is_read_whole(tmp_path: Path) -> None:
    with struck_bench(tmp_path) as bench:
        bench.freeze()
        bench.arm("transfer.file", "{slow: 100B/s}", when="{path: '*.zip'}")
        job = bench.wake(zipped(bench))
        clock = bench.clocks.of(WORLD)

        def over() -> bool:
            if clock.next_awaited():
                bench.advance(60)
            return bench.job(job.id).status.terminal

        wait_until(over, what="the end")
        assert bench.job(job.id).status == "FINISHED"


# inputs by http


class Site:
    """See ports.Fetcher: one file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @contextmanager
    def open(self, _url: str, _allowed: object, sized: Any = lambda _length: None) -> Iterator[BinaryIO]:
        sized(len(self._content))
        yield BytesIO(self._content)


@pytest.mark.parametrize(
    ("do", "times", "attempts", "ends"),
    [
        ("read-error", None, 3, EIO),
        ("{read-error: 2}", 1, 1, INPUT),
        ("drop", 3, 3, RESET),
        ("truncate", None, 3, "only 2 of 5 bytes came"),
        ("{truncate: {silently: true}}", None, 0, b"12"),
        ("corrupt", None, 0, b"\xce2345"),
        ("disk-full", None, 1, FULL),
        ("vanish", None, 1, GONE),
    ],
)
def test_an_input_from_outside(
    tmp_path: Path, do: str, times: int | None, attempts: int, ends: str | bytes
) -> None:
    settings = replace(QUICK, import_allow="site.example.org")
    with struck_bench(tmp_path, settings=settings, fetcher=Site(INPUT)) as bench:
        when = f"{{transfer: input, system: {EXECUTION}}}"
        bench.arm("transfer.file", do, when=when, times=times or "forever")
        url = "http://site.example.org/input.txt"
        job = bench.run(
            bench.submit(sources=(replace(source("input.txt"), kind=SourceKind.URL, uri=url, path=url),))
        )
        assert len(bench.notes(job)) == attempts
        if isinstance(ends, bytes):
            assert (bench.real(STORAGE, job.plan.archive_path) / "input.txt").read_bytes() == ends
        else:
            text = f"JOBS_STAGING_FAILED Unable to stage job inputs: {url}: {ends}"
            assert job.last_status_message == text
            assert not (bench.real(EXECUTION, job.plan.work_path) / "input.txt").exists()
