"""``singularity`` in the wrapper of a job on a sandbox whose machine has none."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from emulator.domain.ports import RemoteState
from tests.live.containers.conftest import COURSE
from tests.real.sandbox_machine import SandboxMachine
from tests.real.waiting import wait_until

pytestmark = pytest.mark.xdist_group("docker")


@pytest.fixture
def machine(tmp_path, docker_engine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    real = [name for name in ("singularity", "apptainer") if shutil.which(name)]
    if real:
        pytest.skip(f"this machine has its own {' and '.join(real)}")
    machine = SandboxMachine(tmp_path)
    yield machine
    machine.stop(end_scripts=True)


def test_the_course_job(machine, classifier_image):
    text = """set -e
singularity run pearc19-classifier.simg python /classify_image.py --image sunflower.png --top 5 --out predictions.txt
cat predictions.txt
command -v singularity
"""
    launch = machine.launch("one", text)
    work_dir = machine.work_dir("one")
    shutil.copy(classifier_image, work_dir)
    shutil.copy(COURSE / "pictures/sunflower.png", work_dir)
    report = machine.run(launch)
    assert report.succeeded, machine.output(launch, "job.err")
    assert machine.output(launch).startswith("sunflower (score = ")
    assert machine.output(launch).splitlines()[-1] == str(machine.spool / ".tools/images/singularity")


def test_one_of_the_machine_wins(machine, tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    (own / "singularity").write_text("#!/bin/sh\necho the real one\n")
    (own / "singularity").chmod(0o755)
    monkeypatch.setenv("PATH", f"{own}:{os.environ['PATH']}")
    launch = machine.launch("one", "singularity run whatever\n")
    assert machine.run(launch).succeeded
    assert machine.output(launch) == "the real one\n"


def test_it_needs_no_python_of_the_machine(machine, busybox_archive, monkeypatch):
    """The emulator's own is there in any case, and what a job says about Python is not for it."""
    launch = machine.launch(
        "one", f"export PYTHONPATH=/nowhere PYTHONHOME=/nowhere\nsingularity exec {busybox_archive} echo x\n"
    )
    assert machine.run(launch).succeeded, machine.output(launch, "job.err")
    assert machine.output(launch) == "x\n"
    first = (machine.spool / ".tools/images/singularity").read_bytes().split(b"\n")[0].decode()
    assert Path(sys.executable) == Path(first.removeprefix("#!").removesuffix(" -I"))


@pytest.mark.parametrize("backend", ["namespaces", "proot", "docker"])
def test_a_cancelled_job_leaves_nothing(machine, busybox_archive, backend):
    if backend == "proot" and not shutil.which("proot"):
        pytest.skip("no proot on this machine")
    mark = machine.work_dir("one") / "beat"
    text = f"""export TAPIS_EMULATOR_SINGULARITY={backend}
singularity exec {busybox_archive} sh -c 'trap "" TERM; while :; do echo x >>beat; sleep 0.1; done'
"""
    launch = machine.launch("one", text)
    machine.launcher.submit(launch)
    wait_until(mark.exists, 60, "the container to run")
    machine.launcher.cancel(launch, "")
    report = machine.wait(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "CANCELLED")
    wait_until(lambda: not _alive_in(mark.parent), what="the end of all that wrote there")


def _alive_in(directory):
    """Processes that have the directory for their own, in whatever namespace."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").samefile(directory):
                found.append(process.name)
        except OSError:
            continue
    return found
