"""Downloads of outputs, and the names that clients guess [jobs §10]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.domain.job import Job
from tests.contract.jobs.conftest import Bench, Folder, archive_folder, opened
from tests.job_samples import sample_job

UNKNOWN = "0feb1aa5-01aa-4445-b580-a008064a4c44-007"
NO_FILE = "File/folder does not exist"


@pytest.mark.parametrize("word", ["outputs", "ouputs"])
def test_a_download(bench: Bench, running: Job, work: Folder, word: str) -> None:
    answer = bench.request("GET", f"/jobs/v2/{running.id}/{word}/media//test/deep/data.json")
    assert answer.status_code == 200
    assert answer.data == b"{}"
    assert answer.content_type == "application/json"
    forced = bench.request("GET", f"/jobs/v2/{running.id}/{word}/media/out.txt?force=true")
    assert forced.headers["Content-Disposition"] == 'attachment; filename="out.txt"'
    head = bench.request("HEAD", f"/jobs/v2/{running.id}/{word}/media/out.txt")
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", "10")


@pytest.mark.parametrize(
    ("wanted", "content", "told"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=3-5", b"345", "bytes 3-5/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
    ],
)
def test_ranges(bench: Bench, running: Job, work: Folder, wanted: str, content: bytes, told: str) -> None:
    answer = bench.request("GET", f"/jobs/v2/{running.id}/outputs/media/out.txt", headers={"Range": wanted})
    assert (answer.status_code, answer.data) == (206, content)
    assert answer.headers["Content-Range"] == told


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("bytes=5-3", "Specified Range upper bound less than lower bound"),
        ("bytes=10-", "Specified Range lower bound outside bounds of file"),
        ("bytes=0-10", "Specified Range upper bound outside bounds of file"),
    ],
)
def test_ranges_outside_the_file(bench: Bench, running: Job, work: Folder, wanted: str, message: str) -> None:
    path = f"/jobs/v2/{running.id}/outputs/media/out.txt"
    assert bench.refused("GET", path, headers={"Range": wanted}) == (416, message)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("", 400, "Invalid file name"),
        ("/", 400, "Invalid file name"),
        ("/..", 400, "Invalid file name"),
        ("/test", 400, "Invalid file name. /test is a folder; only files can be downloaded."),
        ("/nothing", 404, NO_FILE),
        ("/out.txt/below", 404, NO_FILE),
        ("/%00", 404, NO_FILE),
        ("/" + "x" * 300, 404, NO_FILE),
        ("/" + "x/" * 3000, 404, NO_FILE),
    ],
)
def test_what_cannot_be_downloaded(
    bench: Bench, running: Job, work: Folder, path: str, status: int, message: str
) -> None:
    assert bench.refused("GET", f"/jobs/v2/{running.id}/outputs/media{path}") == (status, message)
    if status == 404:
        assert bench.refused("GET", f"/jobs/v2/{running.id}/outputs/listings{path}") == (404, NO_FILE)


@pytest.mark.parametrize(
    "path",
    ["../secret", "..%2Fsecret", "test/../../secret", "%2e%2e/secret", "link", "folder/secret", "~/secret"],
)
def test_nothing_outside_is_reached(
    bench: Bench, running: Job, work: Folder, path: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    top = work.files.local_path(work.path)
    assert top is not None
    (top.parent / "secret").write_text("secret")
    (top / "link").symlink_to(outside / "secret")
    (top / "folder").symlink_to(outside)
    for kind in ("media", "listings"):
        assert bench.refused("GET", f"/jobs/v2/{running.id}/outputs/{kind}/{path}") == (404, NO_FILE)


# the names that clients guess


@pytest.fixture
def fork(bench: Bench) -> Iterator[Job]:
    """A job without a scheduler: its log files have short names."""
    job = bench.add(sample_job(1, name="Très + fort", plan={"scheduler": "FORK"}))
    folder = archive_folder(bench, job)
    folder.write("tres-+-fort.out", b"out")
    folder.write("tres-+-fort.err", b"err")
    folder.write(f"sub/x-{job.id}.out", b"own")
    yield job


@pytest.mark.parametrize("guess", ["trs-fort", "tres-+-fort", "agave-x", ""])
def test_a_guessed_name_finds_the_log(bench: Bench, fork: Job, guess: str) -> None:
    for ending in ("out", "err"):
        path = f"/jobs/v2/{fork.id}/outputs/media/{guess}-{fork.id}.{ending}"
        assert bench.request("GET", path).data == ending.encode()


def test_only_missing_top_level_names_are_guesses(bench: Bench, fork: Job) -> None:
    media = f"/jobs/v2/{fork.id}/outputs/media"
    assert bench.request("GET", f"{media}/sub/x-{fork.id}.out").data == b"own"
    assert bench.refused("GET", f"{media}/sub/y-{fork.id}.out") == (404, NO_FILE)
    assert bench.refused("GET", f"{media}/y-{UNKNOWN}.out") == (404, NO_FILE)
    assert bench.refused("GET", f"/jobs/v2/{fork.id}/outputs/listings/y-{fork.id}.out") == (404, NO_FILE)
    archive_folder(bench, fork).write(f"mine-{fork.id}.out", b"mine")
    assert bench.request("GET", f"{media}/mine-{fork.id}.out").data == b"mine"


def test_a_guess_without_a_log(bench: Bench, fork: Job) -> None:
    folder = archive_folder(bench, fork)
    folder.files.remove(f"{folder.path}/tres-+-fort.err")
    path = f"/jobs/v2/{fork.id}/outputs/media/x-{fork.id}.err"
    assert bench.refused("GET", path) == (404, NO_FILE)


def test_guesses_can_be_switched_off(tmp_path: Path) -> None:
    with opened(tmp_path, log_alias=False) as bench:
        job = bench.add(sample_job(1, name="n", plan={"scheduler": "FORK"}))
        archive_folder(bench, job).write("n.out", b"out")
        path = f"/jobs/v2/{job.id}/outputs/media/x-{job.id}.out"
        assert bench.refused("GET", path) == (404, NO_FILE)
