"""One way of running jobs, seen through the API: what the shared suite is run over.

A backend is an emulator that is served, an execution system, and what stands behind it: a sandbox's process or
container, or a machine by ssh with a scheduler of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.app import Emulator
from emulator.domain.slug import slug
from tests.real.box import Box
from tests.real.waiting import wait_until
from tests.served import TERMINAL, Api

STORAGE = "backends.storage"
HOST = "cluster.backends.test"
USER = "testuser"


@dataclass(frozen=True)
class Kind:
    """``scheduler`` of the system, its ``queue`` (none for FORK), and the settings of the emulator.

    ``limited`` holds the queue's customDirectives that put a memory limit of 64 MB on a job; None where the backend
    cannot; ``memory_word`` is what it says then. ``minutes``: run time limits are whole minutes there.
    """

    name: str
    scheduler: str
    execution_type: str
    queue: str | None = None
    remote: bool = False
    limited: str | None = None
    memory_word: str = "OUT_OF_MEMORY"
    minutes: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


PROCESS = Kind("process", "SLURM", "HPC", "normal")
DOCKER = Kind("docker", "SLURM", "HPC", "normal")
FORK = Kind("fork", "FORK", "CLI", remote=True)
SLURM = Kind(
    # its own word for it, OUT_OF_MEMORY, needs cgroups, which the cluster in a box has not
    *("slurm", "SLURM", "HPC", "normal"),
    remote=True,
    limited="--mem=64M",
    memory_word="0:9",
    minutes=True,
)
SGE = Kind("sge", "SGE", "HPC", "normal", remote=True, limited="-l h_vmem=64M", memory_word="FAILED")
CONDOR = Kind("condor", "CONDOR", "CONDOR", "normal", remote=True)
KINDS = (PROCESS, DOCKER, FORK, SLURM, SGE, CONDOR)


class Backend:
    """An execution system of one kind; apps are made of the text of their wrapper."""

    def __init__(self, kind: Kind, emulator: Emulator, box: Box | None) -> None:
        self.kind = kind
        self.emulator = emulator
        self.box = box
        self.api = Api(emulator.url, USER)
        self.system = f"backends.{kind.name}"
        self._apps = 0
        self._register()

    def app(self, wrapper: str, **more: Any) -> str:
        """Upload a wrapper and register an app; the answer is its id."""
        self._apps += 1
        name = f"{self.kind.name}.{id(self):x}.app{self._apps}"
        folder = f"apps/{name}"
        self._upload(folder, "wrapper.sh", wrapper)
        self.api.call(
            "PUT", f"files/v2/media/system/{STORAGE}/", json={"action": "mkdir", "path": f"{folder}/test"}
        )
        self._upload(f"{folder}/test", "test.sh", "true\n")
        app = {
            "name": name,
            "version": "1.0",
            "deploymentSystem": STORAGE,
            "deploymentPath": folder,
            "templatePath": "wrapper.sh",
            "testPath": "test/test.sh",
            "executionSystem": self.system,
            "executionType": self.kind.execution_type,
            "parallelism": "SERIAL",
            "inputs": [],
            "parameters": [],
            **more,
        }
        return str(self.api.call("POST", "apps/v2", json=app)["id"])

    def submit(self, app: str, **request: Any) -> str:
        """Submit a job; the answer is its id. Outputs are archived on the storage system unless told otherwise."""
        body = {"name": "job", "appId": app, "archive": True, "archiveSystem": STORAGE, **request}
        if self.kind.queue and "batchQueue" not in body:
            body["batchQueue"] = self.kind.queue
        return str(self.api.call("POST", "jobs/v2", json=body)["id"])

    def run(self, wrapper: str, timeout: float = 120, **request: Any) -> dict[str, Any]:
        """A job of this wrapper, from its submission to its end; the answer is its record."""
        job = self.submit(self.app(wrapper), **request)
        return self.finished(job, timeout)

    def finished(self, job: str, timeout: float = 120) -> dict[str, Any]:
        self.api.wait_for_job(job, TERMINAL, timeout)
        return self.job(job)

    def job(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.call("GET", f"jobs/v2/{job}")
        return found

    def history(self, job: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.api.call("GET", f"jobs/v2/{job}/history?limit=250")
        return entries

    def output(self, job: str, path: str) -> bytes:
        """The content of an output, wherever the job is in its life."""
        answer = self.api.request("GET", f"jobs/v2/{job}/outputs/media/{path}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def outputs(self, job: str, path: str = "") -> list[str]:
        """The names in a directory of the outputs."""
        names: list[str] = []
        while True:
            page = f"limit=250&offset={len(names)}"
            listed = self.api.call("GET", f"jobs/v2/{job}/outputs/listings/{path}?{page}")
            names += [entry["name"] for entry in listed]
            if len(listed) < 250:
                return sorted(names)

    def stdout(self, job: Mapping[str, Any]) -> str:
        return self.output(job["id"], self.log(job["id"])).decode()

    def stderr(self, job: Mapping[str, Any]) -> str:
        return self.output(job["id"], self.log(job["id"]).removesuffix("out") + "err").decode()

    def log(self, job: str) -> str:
        """The name of what the job has printed, as clients guess it."""
        return f"{slug(self.job(job)['name'])}-{job}.out"

    def cancel(self, job: str) -> None:
        """Ask for its end; a job that has ended by itself meanwhile is fine."""
        answer = self.api.request("POST", f"jobs/v2/{job}", json={"action": "stop"})
        assert answer.status_code in (200, 400), answer.text

    def wait_entered(self, job: str, state: str, timeout: float = 60) -> None:
        """Until its history has the state."""
        wait_until(
            lambda: state in [entry["status"] for entry in self.history(job)],
            timeout,
            f"{job} to reach {state}",
        )

    def wait_for_output(self, job: str, name: str) -> None:
        wait_until(lambda: name in self.outputs(job), 60, f"the output {name}")

    def wait_for_text(self, job: str, path: str, text: bytes) -> None:
        wait_until(lambda: text in self.output(job, path), 60, f"{text!r} in {path}")

    def put(self, name: str, content: bytes) -> None:
        """A file in the user's home on the storage system."""
        files = {"fileToUpload": (name, content)}
        self.api.call("POST", f"files/v2/media/system/{STORAGE}/", files=files)

    def put_into_work_dir(self, job: str, name: str) -> None:
        """An empty file beside the running script, through the Files API."""
        path = self.job(job)["workPath"].lstrip("/")
        files = {"fileToUpload": (name, b"")}
        self.api.call("POST", f"files/v2/media/system/{self.system}//{path}", files=files)

    @property
    def storage(self) -> str:
        return STORAGE

    def nothing_runs(self, job: str) -> None:
        """No process of the job is left, wherever it ran: its work directory is in the command line of each."""
        wait_until(lambda: job not in self._command_lines(), 30, f"the processes of {job} to be gone")

    def _command_lines(self) -> str:
        if self.box is not None:
            return self.box.exec("sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; :")
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    found.append((process / name).read_bytes())
                except OSError:  # it has ended, or is another user's
                    continue
        return b"".join(found).decode(errors="replace")

    def wait(self, job: str, *states: str, timeout: float = 60) -> str:
        return self.api.wait_for_job(job, states, timeout)

    def limited(self) -> str:
        """The id of a queue on which jobs get 64 MB of memory."""
        assert self.kind.limited is not None
        return "limited"

    # the systems

    def _register(self) -> None:
        storage = {
            "id": STORAGE,
            "name": "storage of the backends",
            "type": "STORAGE",
            "storage": {
                "host": "storage.backends.test",
                "port": 22,
                "protocol": "SFTP",
                "rootDir": "/",
                "homeDir": f"/home/{USER}",
                "auth": {"type": "PASSWORD", "username": USER, "password": "secret"},
            },
        }
        self.api.call("POST", "systems/v2", json=storage)
        self.api.call("POST", "systems/v2", json=self.system_document())

    def system_document(self) -> dict[str, Any]:
        auth = self._auth()
        place = {"host": HOST, "port": 22, "auth": auth}
        queue = {"maxJobs": 500, "maxUserJobs": 500, "maxNodes": 4, "maxProcessorsPerNode": 16}
        queue |= {"maxMemoryPerNode": "64GB", "maxRequestedTime": "12:00:00"}
        queues = []
        if self.kind.queue:
            queues.append({"name": self.kind.queue, "default": True, **queue})
            if self.kind.limited:
                limited = {
                    "name": "limited",
                    "mappedName": self.kind.queue,
                    "customDirectives": self.kind.limited,
                }
                queues.append({**limited, **queue})
        return {
            "id": self.system,
            "name": self.system,
            "type": "EXECUTION",
            "executionType": self.kind.execution_type,
            "scheduler": self.kind.scheduler,
            "maxSystemJobs": 1000,
            "maxSystemJobsPerUser": 1000,
            "scratchDir": "/scratch/tapis" if self.kind.remote else "/scratch",
            "login": {**place, "protocol": "SSH"},
            "storage": {**place, "protocol": "SFTP", "rootDir": "/", "homeDir": "/home/tapis"},
            "queues": queues,
        }

    def _auth(self) -> dict[str, str]:
        if self.box is None:
            return {"type": "PASSWORD", "username": USER, "password": "secret"}
        access = self.box.access
        key = Path(access.key_file)
        return {
            "type": "SSHKEYS",
            "username": access.user,
            "publicKey": key.with_suffix(".pub").read_text() if key.with_suffix(".pub").exists() else "-",
            "privateKey": key.read_text(),
        }

    def _upload(self, folder: str, name: str, text: str) -> None:
        self.api.call("PUT", f"files/v2/media/system/{STORAGE}/", json={"action": "mkdir", "path": folder})
        files = {"fileToUpload": (name, text.encode())}
        self.api.call("POST", f"files/v2/media/system/{STORAGE}/{folder}", files=files)


def host_map(box: Box | None) -> dict[str, Any]:
    """The one line that makes a real machine of the execution system's host."""
    if box is None:
        return {}
    return {HOST: {"ssh": f"{box.access.host}:{box.access.port}", "host_key": box.access.host_key}}
