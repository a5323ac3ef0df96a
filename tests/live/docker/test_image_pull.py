"""Images that come from a registry while jobs wait: seen in the history, and in nobody's way."""

import os

import pytest

from emulator.domain.preparing import Preparing
from emulator.engine.clock import RealClock
from emulator.hosts.sandbox import SandboxHosts
from emulator.runtimes.launcher import SandboxLauncher
from emulator.settings import Settings
from tests.engine.bench import EXECUTION, Bench
from tests.live.docker.containers import nothing_is_left
from tests.real.oci_registry import OciRegistry
from tests.real.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("docker"), pytest.mark.sample(2, of="module")]


@pytest.fixture
def registry():
    with OciRegistry() as registry:
        yield registry


@pytest.fixture
def distant_image(engine_api, busybox_image, registry):
    """The name of an image that is in the registry only, with a layer of 4 MB of its own."""
    maker = engine_api.create_container(busybox_image, ["true"])
    engine_api.put_archive(maker["Id"], "/", _tar_with_noise())
    made = engine_api.commit(maker["Id"])
    engine_api.remove_container(maker["Id"])
    saved = b"".join(engine_api.get_image(made["Id"]))
    engine_api.remove_image(made["Id"], force=True)
    name = registry.publish("far/noise", saved)
    yield name
    _remove(engine_api, name)


def _tar_with_noise():
    import io
    import tarfile

    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        noise = tarfile.TarInfo("noise")
        noise.size = 4 * 1024**2
        tar.addfile(noise, io.BytesIO(os.urandom(noise.size)))
    return content.getvalue()


def _remove(engine_api, name):
    if any(name in (image["RepoTags"] or ()) for image in engine_api.images()):
        engine_api.remove_image(name, force=True)


# the launcher


def pulled(machine, launch):
    """Submit until the image is there; the answer is what was said meanwhile."""
    said = []
    while True:
        seen = len(machine.changes)
        try:
            machine.launcher.submit(launch)
            return said
        except Preparing as pending:
            said.append(pending)
        wait_until(lambda seen=seen: len(machine.changes) > seen, what="a word about the pull")


def test_a_script_waits_for_its_image_and_runs(machine, settings, distant_image, registry, engine_api):
    settings["images"]["far-*"] = distant_image
    launch = machine.launch("one", "cat /noise | wc -c\n", app_id="far-1.0")
    registry.gate.clear()
    with pytest.raises(Preparing, match=f"Pulling image {distant_image}"):
        machine.launcher.submit(launch)
    assert not machine.kept("one").exists(), "nothing was taken yet"
    assert registry.held.wait(30)
    other = machine.launch("two", "exit 0\n")
    assert machine.run(other).succeeded, "others are not held up"
    registry.gate.set()
    said = pulled(machine, launch)
    assert machine.wait(launch).succeeded
    assert machine.output(launch).strip() == str(4 * 1024**2)
    assert all(pending.done <= pending.total for pending in said)
    nothing_is_left(engine_api, machine)


def test_one_pull_serves_all_who_wait(machine, settings, distant_image, registry):
    settings["images"]["far-*"] = distant_image
    launches = [machine.launch(f"job-{n}", "exit 0\n", app_id="far-1.0") for n in range(6)]
    registry.gate.clear()
    for launch in launches:
        with pytest.raises(Preparing):
            machine.launcher.submit(launch)
    registry.gate.set()
    for launch in launches:
        pulled(machine, launch)
    for launch in launches:
        assert machine.wait(launch).succeeded
    assert len(registry.pulls) <= 2, "engines ask for a manifest by name, and some then by digest"


def test_a_pull_that_fails_is_told_once_and_tried_again(
    machine, settings, registry, busybox_image, engine_api
):
    name = f"{registry.address}/far/late:latest"
    settings["images"]["far-*"] = name
    launch = machine.launch("one", "exit 0\n", app_id="far-1.0")
    with pytest.raises(OSError, match=r"far/late:latest and it cannot be pulled") as caught:
        pulled(machine, launch)
    assert not isinstance(caught.value, (ConnectionError, Preparing))
    registry.publish("far/late", b"".join(engine_api.get_image(busybox_image)))
    pulled(machine, launch)
    assert machine.wait(launch).succeeded
    _remove(engine_api, name)


@pytest.mark.campaign
def test_a_pull_that_nobody_waits_for_any_more_ends(machine, settings, distant_image, registry):
    settings["images"]["far-*"] = distant_image
    launch = machine.launch("one", "exit 0\n", app_id="far-1.0")
    registry.gate.clear()
    with pytest.raises(Preparing):
        machine.launcher.submit(launch)
    assert registry.held.wait(30)
    machine.launcher.cancel(launch, "")
    assert registry.broken_off.wait(30), "the engine has hung up"
    registry.gate.set()
    pulled(machine, launch)
    assert machine.wait(launch).succeeded, "whoever comes later begins anew"


def test_a_restart_in_the_middle_of_a_pull(machine, settings, distant_image, registry):
    settings["images"]["far-*"] = distant_image
    launch = machine.launch("one", "exit 0\n", app_id="far-1.0")
    registry.gate.clear()
    with pytest.raises(Preparing):
        machine.launcher.submit(launch)
    assert registry.held.wait(30)
    machine.restart()
    registry.gate.set()
    pulled(machine, launch)
    assert machine.wait(launch).succeeded


# the job


@pytest.fixture
def bench(tmp_path, docker_engine, distant_image, busybox_image, monkeypatch):
    """Two threads for jobs; the app's image is in the registry, that of another app is here."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    settings = Settings(
        workers=2,
        recovery_time_scale=6000.0,
        images={EXECUTION: distant_image},
        docker_network="none",
    )

    def launcher(on_change):
        return SandboxLauncher(
            hosts=SandboxHosts(tmp_path / "hosts"),
            clock=RealClock(),
            spool=tmp_path / "spool",
            settings=settings,
            on_change=on_change,
        )

    bench = Bench(tmp_path, launcher, settings=settings)
    bench.furnish(wrapper="#!/bin/sh\necho ${AGAVE_JOB_ID}\n")
    bench.engine.start()
    yield bench
    bench.close()
    bench.launcher.stop(end_scripts=True)


def entries(bench, job, status="SUBMITTING"):
    return [event for event in bench.history(job.id) if event.status == status and event.progress]


def test_the_history_tells_of_the_pull(bench, registry, distant_image):
    registry.gate.clear()
    jobs = [bench.submit(name=f"job {number}") for number in range(4)]  # more than there are threads
    for job in jobs:
        bench.engine.wake(job.id)
    for job in jobs:
        wait_until(lambda job=job: entries(bench, job), what="the pull in the history")
    entry = entries(bench, jobs[0])[0]
    assert entry.description == f"Pulling image {distant_image}"
    assert (entry.progress["source"], entry.progress["total_active_transfers"]) == (distant_image, 1)
    wait_until(lambda: entries(bench, jobs[0])[0].progress["total_bytes"], what="the size of the image")
    registry.gate.set()
    for job in jobs:
        wait_until(lambda job=job: bench.job(job.id).status.terminal, 60, "the end of the job")
        assert bench.job(job.id).status == "FINISHED", bench.job(job.id).last_status_message
        (entry,) = entries(bench, job)
        assert entry.progress["total_active_transfers"] == 0
        assert entry.progress["total_bytes_transferred"] == entry.progress["total_bytes"] > 4_000_000


@pytest.mark.campaign
def test_a_job_is_cancelled_while_its_image_comes(bench, registry):
    registry.gate.clear()
    job = bench.submit()
    bench.engine.wake(job.id)
    assert registry.held.wait(30)
    bench.cancel(job.id)
    wait_until(lambda: bench.job(job.id).status.terminal)
    assert bench.job(job.id).status == "STOPPED"
    assert registry.broken_off.wait(30)


def test_an_image_that_does_not_exist_fails_the_job_with_the_reason(bench, registry, distant_image):
    registry._manifests.clear()
    job = bench.submit()
    bench.engine.wake(job.id)
    wait_until(lambda: bench.job(job.id).status.terminal, 60)
    found = bench.job(job.id)
    assert found.status == "FAILED"
    assert "JOBS_SUBMIT_FAILED" in found.last_status_message and distant_image in found.last_status_message
    attempts = [
        event.description for event in bench.history(job.id) if "failed to submit" in event.description
    ]
    assert len(attempts) == 3
    assert all(entry.progress["total_active_transfers"] == 0 for entry in entries(bench, job))
