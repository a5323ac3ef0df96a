"""Inputs and app assets: where they come from, how they arrive, and what a job is told when they do not."""

from __future__ import annotations

import io
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from emulator.domain.inputs import InputSource, SourceKind, parse_source
from emulator.domain.job import Job
from emulator.domain.ports import Launch
from emulator.domain.system import StorageConfig
from emulator.hosts.fetch import HttpFetcher
from tests.engine.bench import EXECUTION, QUICK, STORAGE, WORLD, Bench, execution_system, source
from tests.engine.doubles import StagedLauncher, write_output

Make = Callable[..., Bench]


def seen_at_launch(bench: Bench) -> dict[str, bytes]:
    """What lies in the work directory when the script is handed over; filled by the next job."""
    launcher, seen = bench.launcher, {}
    assert isinstance(launcher, StagedLauncher)

    def look(launch: Launch) -> None:
        top = Path(launch.work_dir)
        files = (path for path in top.rglob("*") if path.is_file())
        seen.update({str(path.relative_to(top)): path.read_bytes() for path in files})
        write_output(launch, "out.txt", "hello\n")

    launcher.work = look
    return seen


def failed(job: Job) -> str:
    assert job.status == "FAILED"
    return job.last_status_message.removeprefix("JOBS_STAGING_FAILED ")


def test_files_and_directories_with_any_name(bench: Bench) -> None:
    seen = seen_at_launch(bench)
    bench.put(STORAGE, "data/größe 1.txt", "one")
    bench.put(STORAGE, "data/tree/deep/two.txt", "two")
    bench.real(STORAGE, "data/tree/hollow").mkdir()
    job = bench.run(bench.submit(sources=(source("data/größe 1.txt"), source("data/tree"))))
    assert job.status == "FINISHED"
    assert seen["größe 1.txt"] == b"one" and seen["tree/deep/two.txt"] == b"two"
    archive = bench.real(STORAGE, job.plan.archive_path)
    assert (archive / "tree/hollow").is_dir() and (archive / "größe 1.txt").exists()


def test_relative_and_absolute_paths(bench: Bench) -> None:
    seen = seen_at_launch(bench)
    bench.put(STORAGE, "below-home.txt", "home")
    bench.put(STORAGE, "/elsewhere/below-root.txt", "root")
    bench.put(EXECUTION, "/on-the-machine.txt", "machine")
    sources = (
        source("below-home.txt"),
        source("/elsewhere/below-root.txt"),
        source("/on-the-machine.txt", EXECUTION),
    )
    job = bench.run(bench.submit(sources=sources))
    assert job.status == "FINISHED"
    assert (seen["below-home.txt"], seen["below-root.txt"]) == (b"home", b"root")
    assert seen["on-the-machine.txt"] == b"machine"
    texts = [event.description for event in bench.history(job.id) if event.status == "STAGING_INPUTS"]
    assert texts[2].startswith(
        "Job input copy in progress: agave://corral//elsewhere/below-root.txt to agave://"
    )


def test_a_later_input_of_the_same_name_wins(bench: Bench) -> None:
    seen = seen_at_launch(bench)
    bench.put(STORAGE, "a/same.txt", "first")
    bench.put(STORAGE, "b/same.txt", "second")
    bench.run(bench.submit(sources=(source("a/same.txt"), source("b/same.txt"))))
    assert seen["same.txt"] == b"second"


def test_a_missing_input(bench: Bench) -> None:
    job = bench.run(bench.submit(sources=(source("data/none.txt"),)))
    assert bench.states(job.id)[-2:] == ["PROCESSING_INPUTS", "FAILED"]
    assert failed(job) == "The input agave://corral/data/none.txt does not exist."


def test_an_input_outside_the_root(bench: Bench) -> None:
    job = bench.run(bench.submit(sources=(source("../../../etc/passwd"),)))
    assert job.last_status_message == (
        "JOBS_INVALID_PATH agave://corral/../../../etc/passwd lies outside the root of the system."
    )


def test_a_directory_that_holds_the_work_directory(bench: Bench) -> None:
    job = bench.run(bench.submit(sources=(source("/scratch", EXECUTION),)))
    assert "lies inside agave://stampede//scratch" in failed(job)


def test_staged_inputs_can_be_kept_out_of_the_archive(benches: Make) -> None:
    bench = benches(settings=replace(QUICK, archive_exclude_inputs=True))
    bench.furnish()
    bench.put(STORAGE, "data/input.txt", "x")
    job = bench.run(bench.submit(sources=(source("data/input.txt"),)))
    names = {path.name for path in bench.real(STORAGE, job.plan.archive_path).iterdir()}
    assert "out.txt" in names and "input.txt" not in names


@pytest.mark.parametrize("archived_meanwhile", [True, False])
def test_outputs_of_an_earlier_job(bench: Bench, archived_meanwhile: bool) -> None:
    """The submission saw them in the work directory; archiving may have moved them since."""
    first = bench.run(bench.submit(archive=archived_meanwhile))
    output = InputSource(
        input_id="data",
        uri=f"http://localhost:8000/jobs/v2/{first.id}/outputs/media/out.txt",
        kind=SourceKind.JOB_OUTPUT,
        path=f"{first.plan.work_path}/out.txt",
        name="out.txt",
        system_id=EXECUTION,
        job_id=first.id,
    )
    assert bench.real(EXECUTION, first.plan.work_path).exists() is not archived_meanwhile
    seen = seen_at_launch(bench)
    job = bench.run(bench.submit(sources=(replace(output, name="earlier.txt"),)))
    assert job.status == "FINISHED" and seen["earlier.txt"] == b"hello\n"


# from outside


class Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302, "Found")
            self.send_header("Location", unquote(self.path.removeprefix("/to/")))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = b"from outside" * 1000
        found = self.path.startswith("/data/")
        self.send_response(200 if found else 404, "OK" if found else "Not Found")
        body = content if found else b"none"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def fetching(benches: Make, allow: str) -> Bench:
    bench = benches(settings=replace(QUICK, import_allow=allow), fetcher=HttpFetcher())
    bench.furnish()
    return bench


@pytest.mark.parametrize("allow", ["127.0.0.1", "example.org, 127.*", "*"])
def test_an_input_by_http(benches: Make, site: str, allow: str) -> None:
    bench = fetching(benches, allow)
    seen = seen_at_launch(bench)
    job = bench.run(bench.submit(sources=(parse_source("data", f"{site}/data/a%20file.txt?x=1"),)))
    assert job.status == "FINISHED" and seen["a file.txt"] == b"from outside" * 1000
    progress = [event.progress for event in bench.history(job.id) if event.status == "STAGING_INPUTS"]
    assert progress[1] is not None
    assert (progress[1]["total_files"], progress[1]["total_bytes_transferred"]) == (1, 12000)


def test_redirects_are_followed_to_allowed_hosts_only(benches: Make, site: str) -> None:
    bench = fetching(benches, "127.0.0.1")
    seen = seen_at_launch(bench)
    port = site.rpartition(":")[2]
    here = parse_source("data", f"{site}/to//to//data/there.txt")
    assert bench.run(bench.submit(sources=(here,))).status == "FINISHED"
    assert seen["there.txt"] == b"from outside" * 1000
    away = parse_source("data", f"{site}/to/http://localhost:{port}/data/there.txt")
    message = failed(bench.run(bench.submit(sources=(away,))))
    assert message.endswith("/data/there.txt: the host localhost may not be asked")
    for path, words in (
        ("/to/" * 7 + "/data/x", "too many redirects"),
        ("/to/http://[x/", "Invalid IPv6 URL"),
    ):
        unending = parse_source("data", f"{site}{path}")
        assert words in failed(bench.run(bench.submit(sources=(unending,))))


@pytest.mark.parametrize("allow", ["", "example.org", "*.127.0.0.1"])
def test_hosts_that_are_not_allowed(benches: Make, site: str, allow: str) -> None:
    bench = fetching(benches, allow)
    job = bench.run(bench.submit(sources=(parse_source("data", f"{site}/data/x"),)))
    assert bench.states(job.id)[-2:] == ["PROCESSING_INPUTS", "FAILED"]
    assert failed(job).endswith("cannot be fetched: the host 127.0.0.1 is not in files.import_allow.")


def test_an_input_by_http_that_is_not_there(benches: Make, site: str) -> None:
    bench = fetching(benches, "127.0.0.1")
    job = bench.run(bench.submit(sources=(parse_source("data", f"{site}/none"),)))
    assert bench.states(job.id)[-2:] == ["STAGING_INPUTS", "FAILED"]
    assert "answered 404 Not Found" in failed(job)
    attempts = [e.description for e in bench.history(job.id) if e.description.startswith("Attempt")]
    assert len(attempts) == 1 and attempts[0].startswith("Attempt 1 failed to stage job inputs. ")


def test_a_site_that_does_not_answer(benches: Make) -> None:
    bench = fetching(benches, "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        port = server.server_address[1]
    job = bench.run(bench.submit(sources=(parse_source("data", f"http://127.0.0.1:{port}/data/x"),)))
    assert "Connection refused" in failed(job)
    attempts = [e.description[:9] for e in bench.history(job.id) if e.description.startswith("Attempt")]
    assert attempts == ["Attempt 1", "Attempt 2", "Attempt 3"]


def test_sftp_is_said_to_be_missing(benches: Make) -> None:
    bench = fetching(benches, "*")
    job = bench.run(bench.submit(sources=(parse_source("data", "sftp://me@example.org/x.txt"),)))
    assert failed(job) == "The input sftp://me@example.org/x.txt is not supported yet: sftp sources."


# app assets


def test_names_that_are_not_copied(bench: Bench) -> None:
    seen = seen_at_launch(bench)
    for name in (".git/config", "lib/.svn/x", ".ssh/id", ".csv", "data.csv", ".hidden"):
        bench.put(STORAGE, f"apps/hello/{name}", name)
    assert bench.run(bench.submit()).status == "FINISHED"
    assert {"data.csv", ".hidden"} <= seen.keys()
    assert not [name for name in seen if name.startswith((".git/", "lib/", ".ssh/")) or name == ".csv"]


def zipped(bench: Bench, entries: dict[str, bytes], modes: dict[str, int] | None = None) -> Job:
    """A job of an app that is kept as a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (modes or {}).get(name, 0o644) << 16
            archive.writestr(info, data)
    path = bench.real(STORAGE, "/api/v2/apps/hello-1.0u1.zip")
    path.parent.mkdir(parents=True)
    path.write_bytes(content.getvalue())
    with bench.store.read() as tx:
        app = tx.apps.get(WORLD, "hello-1.0")
    assert app is not None
    return bench.submit(app=replace(app, deployment_path="/api/v2/apps/hello-1.0u1.zip"))


def test_a_zip_file_is_unpacked(bench: Bench) -> None:
    seen = seen_at_launch(bench)
    modes = {"wrapper.sh": 0o755, "link": stat.S_IFLNK | 0o777}
    entries = {
        "wrapper.sh": b"true\n",
        "lib/tool.py": b"x" * 3_000_000,
        "hollow/": b"",
        "link": b"/etc/passwd",
        ".git/config": b"no",
    }
    job = bench.run(zipped(bench, entries, modes))
    assert job.status == "FINISHED", job.last_status_message
    assert seen["lib/tool.py"] == entries["lib/tool.py"]
    assert "link" not in seen and ".git/config" not in seen
    assert (bench.real(STORAGE, job.plan.archive_path) / "hollow").is_dir()
    assert not (bench.real(STORAGE, job.plan.archive_path) / "lib").exists()
    notes = [event.description for event in bench.history(job.id)]
    assert any(
        note.startswith("link in agave://corral//api/v2/apps/hello-1.0u1.zip was left") for note in notes
    )


@pytest.mark.parametrize("name", ["../evil.sh", "/evil.sh", "a/../../evil.sh", "..\\evil.sh"])
def test_a_zip_file_that_reaches_outside(bench: Bench, name: str) -> None:
    job = bench.run(zipped(bench, {"wrapper.sh": b"true\n", name: b"evil"}))
    assert "names a path outside of it" in failed(job)
    assert not list(bench.directory.rglob("evil.sh"))


def test_a_broken_zip_file(bench: Bench) -> None:
    job = zipped(bench, {"wrapper.sh": b"true\n" * 1000})
    path = bench.real(STORAGE, "/api/v2/apps/hello-1.0u1.zip")
    content = bytearray(path.read_bytes())
    content[40:60] = b"\xff" * 20
    path.write_bytes(content)
    assert "cannot be unpacked" in failed(bench.run(job))


def test_the_base_url_of_the_tenant_reaches_the_script(bench: Bench) -> None:
    seen = seen_at_launch(bench)
    bench.put(STORAGE, "apps/hello/wrapper.sh", "echo ${AGAVE_BASE_URL}\r\n")
    bench.run(bench.submit())
    assert b"echo http://localhost:8000/\n" in seen["hello-world.ipcexe"]


def test_a_wrapper_in_any_encoding(bench: Bench) -> None:
    seen = seen_at_launch(bench)
    bench.real(STORAGE, "apps/hello/wrapper.sh").write_bytes(b"echo caf\xe9 \xff\n")
    assert bench.run(bench.submit()).status == "FINISHED"
    assert b"echo caf\xe9 \xff\n" in seen["hello-world.ipcexe"]


def test_a_wrapper_that_is_a_directory(bench: Bench) -> None:
    bench.real(STORAGE, "apps/hello/wrapper.sh").unlink()
    bench.put(STORAGE, "apps/hello/wrapper.sh/file", "x")
    assert failed(bench.run(bench.submit())) == "The wrapper template wrapper.sh of app hello-1.0 is missing."


def test_roots_that_share_a_machine(benches: Make) -> None:
    """Two systems on one host, one inside the other: paths of each are its own."""
    bench = benches()
    storage = StorageConfig(
        host="corral.example.org", port=22, protocol="SFTP", root_dir="/data/home", home_dir="/"
    )
    bench.furnish(execution_system(storage=storage))
    bench.put(STORAGE, "data/input.txt", "x")
    job = bench.run(bench.submit(sources=(source("data/input.txt"),)))
    assert job.status == "FINISHED"
    assert not bench.real(STORAGE, job.plan.work_path.lstrip("/")).exists()
