"""The large cells of the campaign: 2 GiB each way, and two hundred jobs through one connection."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live.faults.cases import BACKENDS
from tests.live.faults.site import Site
from tests.real.waiting import wait_until
from tests.served import TERMINAL

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(1500)]
Record = Callable[[str, object], None]
GIB = 2**30
HUGE = 2 * GIB
MEMORY_MB = 64
"""What the server may need on top of what it had before: a fixed amount, however large the file."""
JOBS = 200
WATCHED_SECONDS = 20.0
"""How long the server's use of the processor is measured for."""


def _on(backend: str) -> object:
    return pytest.param(backend, id=backend, marks=pytest.mark.xdist_group(f"faults-{backend}"))


@pytest.mark.parametrize("backend", [_on(name) for name in ("docker", "fork", "slurm", "sge", "condor")])
def test_what_it_runs_on(backend: str, sites: Callable[[str], Site], record_property: Record) -> None:
    site = sites(backend)
    if site.box is None:
        assert site.engine is not None
        record_property("version", f"Docker engine {site.engine.version()}")
        return
    box = site.box
    asked = {
        "slurm": ("sbatch --version", "sshd -V"),
        "sge": ("qstat -help | head -n 1",),
        "condor": ("condor_version | head -n 1",),
        "fork": ("sshd -V",),
    }
    said = [box.try_exec("bash", "-c", command)[1].strip() for command in asked[backend]]
    assert all(said)
    record_property("version", f"{backend}: {', '.join(said)}")


@pytest.mark.parametrize("backend", [_on(name) for name in BACKENDS])
def test_two_gibibytes_each_way(
    backend: str, sites: Callable[[str], Site], record_property: Record, request: pytest.FixtureRequest
) -> None:
    """An input of 2 GiB goes there, and an output of 2 GiB comes back: the same bytes, in constant memory."""
    site = sites(backend)
    (home,) = site.data.glob("hosts/*/storage.backends.test/home/testuser/data")
    huge = home / "huge.bin"
    checksum = _make(huge)
    request.addfinalizer(huge.unlink)
    wrapper = "sha256sum huge.bin > sum.txt\nmv huge.bin made.bin\n"
    data = [{"id": "data", "value": {"required": True}}]
    app = site.backend.app_with(wrapper, {}, inputs=data)
    before = _peak_mb(site, reset=True)
    begun = time.monotonic()
    job = site.backend.submit(app, inputs={"data": "agave://backends.storage/data/huge.bin"})
    ended = site.backend.finished(job, 1200)
    seconds = time.monotonic() - begun
    after = _peak_mb(site)
    assert ended["status"] == "FINISHED", ended["lastStatusMessage"]
    assert site.backend.output(job, "sum.txt").split()[0].decode() == checksum
    (made,) = site.data.glob(f"hosts/*/storage.backends.test/**/job-{job}*/made.bin")
    request.addfinalizer(made.unlink)
    assert _sum(made) == checksum
    assert after - before < MEMORY_MB, f"{before} MB before, {after} MB at most"
    wait_until(lambda: not site.traces.left(job), 60, "nothing to be left")
    record_property("measured", f"{seconds:.0f} s in all; server {before} MB before, {after} MB at most")


@pytest.mark.parametrize("backend", [_on("slurm")])
def test_two_hundred_jobs_at_once(
    backend: str, sites: Callable[[str], Site], record_property: Record
) -> None:
    """All are on the cluster at the same time, watched through one connection, and each runs once."""
    site = sites(backend)
    assert site.box is not None and site.wire is not None
    box, wire, runs = site.box, site.wire, site.traces.runs_directory
    wrapper = f"echo $$ >> {runs}/${{AGAVE_JOB_ID}}\nwhile [ ! -e {runs}/all.go ]; do sleep 1; done\n"
    box.exec("rm", "-f", f"{runs}/all.go")
    app = site.backend.app(wrapper)
    begun = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(lambda _: site.backend.submit(app), range(JOBS)))
    wait_until(lambda: _queued(box.exec("squeue", "-h")) == JOBS, 600, "all jobs to be on the cluster")
    submitted = time.monotonic() - begun
    running = len(box.exec("squeue", "-h", "-t", "RUNNING").splitlines())
    # connections that were opened for the files of many jobs are given up when they are idle
    wait_until(lambda: wire.connections == 1, 240, f"one connection, there are {wire.connections}")
    on_machine = _logins(box.exec("ps", "-e", "-o", "args"))
    processor = _processor_seconds(site)
    started = time.monotonic()
    wait_until(lambda: time.monotonic() - started >= WATCHED_SECONDS, WATCHED_SECONDS + 30)
    share = (_processor_seconds(site) - processor) / (time.monotonic() - started)
    assert wire.connections == 1
    assert on_machine == 1
    box.exec("touch", f"{runs}/all.go", user="tapis")
    for job in jobs:
        site.backend.api.wait_for_job(job, TERMINAL, 600)
    ended = [site.backend.job(job) for job in jobs]
    assert {one["status"] for one in ended} == {"FINISHED"}
    assert [site.traces.runs(job) for job in jobs] == [1] * JOBS
    assert len({one["remoteJobId"] for one in ended}) == JOBS
    wait_until(lambda: not box.exec("squeue", "-h").strip(), what="Slurm to be empty")
    record_property(
        "measured",
        f"on the cluster after {submitted:.0f} s ({running} running, the others queued); 1 connection;"
        f" {share:.1%} of a core while they wait; all over after {time.monotonic() - begun:.0f} s",
    )


def _queued(squeue: str) -> int:
    return len(squeue.splitlines())


def _logins(processes: str) -> int:
    """Connections, by the processes that serve them."""
    return len(re.findall(r"^sshd(?:-session)?: tapis \[priv\]$", processes, re.MULTILINE))


def _make(path: Path) -> str:
    """2 GiB that no compression makes smaller; the answer is its checksum."""
    cipher = f"openssl enc -aes-128-ctr -pass pass:campaign -nosalt -pbkdf2 < /dev/zero 2>/dev/null | head -c {HUGE}"
    with path.open("wb") as file:
        subprocess.run(["sh", "-c", cipher], stdout=file, check=True)
    assert path.stat().st_size == HUGE
    return _sum(path)


def _sum(path: Path) -> str:
    done = subprocess.run(["sha256sum", str(path)], check=True, capture_output=True, text=True)
    return done.stdout.split()[0]


def _peak_mb(site: Site, reset: bool = False) -> int:
    """The most memory that the server has had since the last reset."""
    process = Path(f"/proc/{site.server.pid}")
    if reset:
        (process / "clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def _processor_seconds(site: Site) -> float:
    fields = Path(f"/proc/{site.server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
