"""An engine that does not answer, and one that is restarted: jobs wait, and none is lost or run twice."""

import os
import shutil
import socket
import subprocess
import threading

import docker
import pytest

from emulator.domain.ports import RemoteState
from tests.live.docker.containers import HOLD, running
from tests.real.docker_engine import answers
from tests.real.sandbox_machine import SandboxMachine
from tests.real.waiting import wait_until

pytestmark = pytest.mark.xdist_group("docker")


class Wire:
    """A socket before the engine's that can be cut: real connections, really broken."""

    def __init__(self, path, engine_socket):
        self.path = path
        self._engine = engine_socket
        self._open = []
        self._listener = None

    def connect(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self):
        self.path.unlink()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            self._open += [client, engine]
            for source, target in ((client, engine), (engine, client)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def wire(tmp_path_factory, docker_engine, monkeypatch):
    if not docker_engine.host.startswith("unix://"):
        pytest.skip("the engine is not at a Unix socket")
    wire = Wire(tmp_path_factory.mktemp("w") / "s", docker_engine.host.removeprefix("unix://"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{wire.path}")
    return wire


@pytest.fixture
def far_machine(tmp_path, prefix, settings, wire):
    machine = SandboxMachine(tmp_path, prefix, **settings)
    yield machine
    machine.stop(end_scripts=True)


def test_no_engine_is_a_connection_error_and_later_it_runs(far_machine, wire):
    launches = [far_machine.launch(name, "exit 7\n", scheduler=name) for name in ("FORK", "SLURM")]
    for launch in launches:
        with pytest.raises(ConnectionError):
            far_machine.launcher.submit(launch)
    wire.connect()
    for launch in launches:
        assert far_machine.run(launch).exit_code == 7


def test_an_engine_that_goes_away_blocks_and_loses_nothing(far_machine, wire):
    wire.connect()
    launch = far_machine.launch("one", HOLD + "exit 7\n", scheduler="SLURM", queue_limit=1)
    waits = far_machine.launch("two", "exit 8\n", scheduler="SLURM", queue_limit=1)
    far_machine.launcher.submit(launch)
    far_machine.launcher.submit(waits)
    far_machine.wait(launch, running)
    wait_until((far_machine.kept("one") / "pid").exists)
    wire.cut()
    wait_until(lambda: not far_machine.launcher._runs.containers._events.are_heard)
    with pytest.raises(ConnectionError):
        far_machine.report(launch)
    assert far_machine.report(waits).state is RemoteState.QUEUED
    (far_machine.home / "go").touch()
    wait_until((far_machine.kept("one") / "exit").exists)
    wire.connect()
    assert far_machine.wait(launch).exit_code == 7
    assert far_machine.wait(waits).exit_code == 8


def test_a_restart_while_the_engine_is_away(far_machine, wire):
    wire.connect()
    launch = far_machine.launch("one", HOLD + "exit 7\n")
    remote = far_machine.launcher.submit(launch)
    wire.cut()
    far_machine.restart()
    assert far_machine.launcher.submit(launch) == remote
    with pytest.raises(ConnectionError):
        far_machine.report(launch)
    wire.connect()
    wait_until(lambda: far_machine.launcher._runs.containers._events.are_heard)
    assert far_machine.wait(launch, running).state is RemoteState.RUNNING
    (far_machine.home / "go").touch()
    assert far_machine.wait(launch).exit_code == 7


# an engine that is restarted


class OwnEngine:
    """A dockerd of the test's own, which it may stop."""

    def __init__(self, directory):
        self.socket = directory / "s"
        self._log = directory / "log"
        self._command = [
            # in a network of its own: without a bridge it would take the bridge away from the shared engine
            "unshare",
            "--net",
            "dockerd",
            f"--host=unix://{self.socket}",
            f"--data-root={directory / 'data'}",
            f"--exec-root={directory / 'exec'}",
            f"--pidfile={directory / 'pid'}",
            "--bridge=none",
            "--iptables=false",
        ]
        self._process = None

    def start(self):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_until(lambda: answers(self.socket), what="dockerd")

    def stop(self):
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def own_engine(tmp_path_factory, docker_engine, busybox_image, monkeypatch):
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("only root can start an engine of its own")
    engine = OwnEngine(tmp_path_factory.mktemp("e"))
    engine.start()
    shared, own = docker.APIClient(docker_engine.host), docker.APIClient(f"unix://{engine.socket}")
    for _ in own.load_image(b"".join(shared.get_image(busybox_image))):
        pass
    shared.close()
    own.close()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
    yield engine
    engine.stop()


def test_an_engine_that_is_restarted(own_engine, tmp_path, prefix, settings):
    machine = SandboxMachine(tmp_path, prefix, **settings)
    held, waits = (machine.launch(n, HOLD, scheduler="SLURM", queue_limit=1) for n in ("one", "two"))
    machine.launcher.submit(held)
    machine.launcher.submit(waits)
    machine.wait(held, running)
    wait_until((machine.kept("one") / "pid").exists)
    own_engine.stop()
    with pytest.raises(ConnectionError):
        machine.launcher.submit(machine.launch("three"))
    own_engine.start()
    report = machine.wait(held)
    if report.state is not RemoteState.LOST:  # the engine told of the end before it closed the connection
        assert (report.scheduler_state, report.exit_code, report.signal) == ("FAILED", 137, 9)
    machine.wait(waits, running)
    machine.home.joinpath("go").touch()
    assert machine.wait(waits).succeeded
    machine.stop()
