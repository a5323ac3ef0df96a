"""A served emulator, an execution system of one kind, and every part of it in reach of a fault."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import docker
import requests
import yaml

from tests.live.backends.backend import CONDOR, DOCKER, FORK, PROCESS, SGE, SLURM, STORAGE, Backend, host_map
from tests.live.faults.engine import OwnEngine
from tests.live.faults.freeze import Freeze
from tests.live.faults.machine import BoxTraces, SandboxTraces, Traces
from tests.live.faults.wire import Wire
from tests.live.serve_process import ServeProcess
from tests.real.box import Box
from tests.real.boxes import free_port
from tests.real.cluster import slurm_cluster
from tests.real.docker_engine import Engine
from tests.real.gridengine import gridengine
from tests.real.htcondor import htcondor
from tests.real.ssh_host import ssh_host
from tests.real.waiting import wait_until
from tests.served import TERMINAL

KINDS = {kind.name: kind for kind in (PROCESS, DOCKER, FORK, SLURM, SGE, CONDOR)}
BOXES = {"fork": ssh_host, "slurm": slurm_cluster, "sge": gridengine, "condor": htcondor}
STARTUP = "/work/startup.sh"
HOLD = "/work/hold"
"""While it exists on the machine, submissions stand still before they ask the scheduler."""
_STARTUP = f"""\
if [ -e {HOLD} ]; then : > {HOLD}.reached; while [ -e {HOLD} ]; do sleep 0.02; done; fi
"""
SMALL_DISK = "/dev/shm/scratch"
"""On the machines: a tmpfs of 64 MB that every container has."""
SMALL_MB = 48
LARGE = "".join(f"{number:07d}\n" for number in range(512 * 1024)).encode()
"""A file of 4 MiB of which no two lines are the same."""
LARGE_SUM = hashlib.sha256(LARGE).hexdigest()

_START = """\
mkdir -p {runs}
echo $$ >> {runs}/${{AGAVE_JOB_ID}}
"""
_WAIT = "while [ ! -e {runs}/${{AGAVE_JOB_ID}}.go ]; do sleep 0.05; done\n"
_MAKE = "awk 'BEGIN {{ for (i = 0; i < 524288; i++) printf \"%07d\\n\", i }}' > large.txt\n"
_MAKE += "test $(wc -c < large.txt) -eq 4194304 || exit 9\n"


class Site:
    """Everything of one kind, from construction to :meth:`close`; used by one test at a time."""

    def __init__(self, name: str, folder: Path, engine: Engine | None, image: str) -> None:
        self.kind = KINDS[name]
        self.folder = folder
        self._shared_engine = engine
        self._stack = ExitStack()
        try:
            self._open(name, engine, image)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, name: str, engine: Engine | None, image: str) -> None:
        self.data = self.folder / "data"
        self.data.mkdir()
        self.box: Box | None = None
        self.wire: Wire | None = None
        self.engine: OwnEngine | None = None
        self._environment: dict[str, str] = {}
        self._flags = ["--port", str(free_port()), "--data-dir", str(self.data), "--jobs-poll-max-ms", "1000"]
        if name in BOXES:
            assert engine is not None
            self.box = self._stack.enter_context(BOXES[name](engine, purpose=f"faults-{os.getpid()}"))
            self.wire = Wire(self.box.access.host, self.box.access.port)
            self._stack.callback(self.wire.close)
            hosts = host_map(self.box)
            for target in hosts.values():
                target["ssh"] = f"127.0.0.1:{self.wire.port}"
            (self.data / "hosts.yaml").write_text(yaml.safe_dump({"hosts": hosts}))
            self.box.exec("mkdir", "-p", "/work", SMALL_DISK, user="tapis")
            self.box.write(STARTUP, _STARTUP)
        if name == "docker":
            assert engine is not None
            self.engine = OwnEngine(engine, image)
            self._stack.callback(self.engine.close)
            self._environment = {"DOCKER_HOST": self.engine.host}
            self._flags += ["--runtime", "docker", "--docker-image", image, "--docker-network", "none"]
        self.server = self._serve()
        self._stack.callback(lambda: self.server.kill() if self.server.process.poll() is None else None)
        self.backend = SiteBackend(self)
        self.freeze = Freeze(self.data)
        self.traces: Traces = BoxTraces(self.box, self.data) if self.box else SandboxTraces(self.data)
        self._apps: dict[str, str] = {}
        self._put_input()

    def close(self) -> None:
        self._stack.close()

    # the emulator

    def _serve(self) -> ServeProcess:
        return ServeProcess(self.folder, *self._flags, environment=self._environment)

    def kill(self) -> None:
        """``kill -9``."""
        self.server.kill()

    def restart(self) -> None:
        """Start it again, on the same data and port."""
        if self.server.process.poll() is None:
            return
        self.server = self._serve()
        self.backend.api.session.close()  # its connections led to the one that was killed

    # jobs

    def submit(self, app: str, **request: Any) -> str:
        """A job of one of the apps: any of the words ``held``, ``asset``, ``makes`` and ``small``, or ``plain``.

        ``held`` waits for :meth:`go`, ``asset`` brings a large file along, ``makes`` leaves one, ``small`` works on
        a small disk, ``input`` takes a large file.
        """
        if app not in self._apps:
            self._apps[app] = self._make_app(app.split())
        if "input" in app:
            request["inputs"] = {"data": f"agave://{STORAGE}/data/large.txt"}
        return self.backend.submit(self._apps[app], **request)

    def submit_unsure(self, app: str) -> str:
        """As :meth:`submit`, by an emulator that may be killed before it answers; then empty."""
        try:
            return self.submit(app)
        except requests.ConnectionError:
            return ""

    def prepare(self, app: str) -> None:
        """Make the app, which takes no part in what is timed."""
        if app not in self._apps:
            self._apps[app] = self._make_app(app.split())

    def linger(self, step: str) -> None:
        """The next job stays for a second in a state that jobs pass through within one transaction."""
        rule = {"at": f"job.{step.lower()}", "do": {"delay": "1s"}, "times": 1}
        text = yaml.safe_dump({"name": "linger", "rules": [rule]})
        self.backend.api.request(
            "POST", "_emulator/worlds/default/scenarios?again=true", data=text
        ).raise_for_status()

    def go(self, job: str) -> None:
        self.traces.go(job)

    def _make_app(self, words: list[str]) -> str:
        script = _START + (_WAIT if "held" in words else "") + (_MAKE if "makes" in words else "")
        # what the app brings is not archived, what it makes of it is
        script += "cp large.txt came.txt\n" if "asset" in words else ""
        wrapper = script.format(runs=self.traces.runs_directory)
        more: dict[str, Any] = {}
        if "small" in words:
            more["executionSystem"] = self.backend.small_system()
        if "input" in words:
            more["inputs"] = [{"id": "data", "value": {"required": True}}]
        files = {"large.txt": LARGE.decode()} if "asset" in words else {}
        return self.backend.app_with(wrapper, files, **more)

    def _put_input(self) -> None:
        self.backend.upload("data", "large.txt", LARGE.decode())

    def end_jobs(self) -> None:
        """Cancel all that are under way, and wait for their ends."""
        for entry in self.backend.api.call("GET", "jobs/v2?limit=250"):
            if entry["status"] not in TERMINAL:
                self.backend.cancel(entry["id"])
                self.backend.finished(entry["id"])

    # submissions on the machine

    @contextmanager
    def held_submission(self) -> Iterator[None]:
        """In the block, submissions stand still on the machine before they ask its scheduler."""
        assert self.box is not None
        self.box.exec("sh", "-c", f"rm -f {HOLD}.reached; touch {HOLD}", user="tapis")
        try:
            yield
        finally:
            self.box.exec("rm", "-f", HOLD)

    def wait_submitting(self) -> None:
        """Until one stands there."""
        box = self.box
        assert box is not None
        wait_until(lambda: not box.try_exec("test", "-e", f"{HOLD}.reached")[0], 60, "a submission")

    # disks

    def small_disk(self) -> Path | str:
        """Where the small disk is: a directory of this machine, or a path on the box."""
        if self.box is not None:
            return SMALL_DISK
        place = self._host_directory("small.backends.test")
        self._mount(place)
        return place

    def ends_without_room(self, job: str) -> bool:
        """Whether what watches the script cannot write down that it has ended."""
        assert self.box is not None
        return f"job-{job}" in self.box.exec("find", SMALL_DISK, "-name", ".agave.exit.*")

    def run_scripts_from_memory(self) -> None:
        """Engines mount /dev/shm without the right to run programs; from outside that can be changed."""
        assert self._shared_engine is not None and self.box is not None
        with closing(docker.APIClient(self._shared_engine.host)) as api:
            process = api.inspect_container(self.box.access.container)["State"]["Pid"]
        entering = ["nsenter", "--target", str(process), "--mount"]
        subprocess.run([*entering, "mount", "-o", "remount,exec", "/dev/shm"], check=True)

    def archive_disk(self) -> Path:
        """The storage system's own machine gets a small disk; its files are out of sight meanwhile."""
        place = self._host_directory("archive.backends.test")
        self._mount(place)
        return place

    def _host_directory(self, host: str) -> Path:
        (known,) = self.data.glob("hosts/*/storage.backends.test")
        place = known.parent / host
        place.mkdir(exist_ok=True)
        return place

    def _mount(self, place: Path) -> None:
        if place.is_mount():
            return
        command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m", "faults", str(place)]
        subprocess.run(command, check=True)
        self._stack.callback(lambda: subprocess.run(["umount", "--lazy", str(place)], check=True))


class SiteBackend(Backend):
    """The backend, with a second execution system on the small disk and an archive of its own."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._small = ""
        super().__init__(site.kind, site.server, site.box)  # type: ignore[arg-type]  # all that is used: its URL

    def system_document(self) -> dict[str, Any]:
        document = super().system_document()
        return document | {"startupScript": STARTUP} if self.box else document

    def small_system(self) -> str:
        """The id of the execution system whose work directories lie on the small disk."""
        if not self._small:
            document = super().system_document()
            self._small = document["id"] = document["name"] = f"{self.system}.small"
            if self.box:
                self._site.run_scripts_from_memory()
                document["scratchDir"] = SMALL_DISK
            else:
                self._site.small_disk()
                for part in ("login", "storage"):
                    document[part] = {**document[part], "host": "small.backends.test"}
            self.api.call("POST", "systems/v2", json=document)
        return self._small

    def archive_system(self) -> str:
        """The id of a storage system with a small disk."""
        system = "backends.archive"
        if self.api.request("GET", f"systems/v2/{system}").status_code == 404:
            self._site.archive_disk()
            place = {"host": "archive.backends.test", "port": 22, "protocol": "SFTP", "rootDir": "/"}
            auth = {"type": "PASSWORD", "username": "testuser", "password": "secret"}
            storage = {**place, "homeDir": "/", "auth": auth}
            body = {"id": system, "name": system, "type": "STORAGE", "storage": storage}
            self.api.call("POST", "systems/v2", json=body)
        return system

    def app_with(self, wrapper: str, files: dict[str, str], **more: Any) -> str:
        """An app with further files beside its wrapper."""
        app = self.app(wrapper, **more)
        folder = f"apps/{app.removesuffix('-1.0')}"
        for name, text in files.items():
            self.upload(folder, name, text)
        return app

    def upload(self, folder: str, name: str, text: str) -> None:
        self._upload(folder, name, text)
