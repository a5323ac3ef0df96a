"""An engine on real files and a real store, with systems, an app and jobs to run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.api.v2.messages import V2Messages
from emulator.domain import paths
from emulator.domain.app import App
from emulator.domain.event import Event
from emulator.domain.identity import World
from emulator.domain.inputs import InputSource, SourceKind
from emulator.domain.job import Job, JobPlan
from emulator.domain.ports import Clock, Fetcher, Gate, Hosts, Launcher
from emulator.domain.states import JobState
from emulator.domain.system import LoginConfig, Queue, StorageConfig, System, SystemType
from emulator.domain.work_dir import work_path
from emulator.engine.clock import RealClock
from emulator.engine.clocks import WorldClocks
from emulator.engine.ids import WorldIds
from emulator.engine.journal import Journal
from emulator.engine.striking import Strikes
from emulator.engine.worker import Engine
from emulator.hosts.sandbox import SandboxHosts
from emulator.settings import Settings
from emulator.store import Store
from tests.job_samples import NOON

WORLD = "default"
OWNER = "testuser"
STORAGE = "corral"
EXECUTION = "stampede"
QUICK = Settings(workers=2, recovery_time_scale=6000.0)
WRAPPER = "#!/bin/sh\necho ${greeting} > out.txt\n"


def storage_system(system_id: str = STORAGE, **changes: Any) -> System:
    values: dict[str, Any] = {
        "world": WORLD,
        "id": system_id,
        "uuid": f"{system_id}-006",
        "name": system_id,
        "type": SystemType.STORAGE,
        "owner": OWNER,
        "storage": StorageConfig(
            host=f"{system_id}.example.org", port=22, protocol="SFTP", root_dir="/data", home_dir="/home"
        ),
        "created": NOON,
        "last_updated": NOON,
    }
    return System(**(values | changes))


def execution_system(system_id: str = EXECUTION, **changes: Any) -> System:
    host = f"{system_id}.example.org"
    more: dict[str, Any] = {
        "type": SystemType.EXECUTION,
        "storage": StorageConfig(host=host, port=22, protocol="SFTP", root_dir="/", home_dir="/home"),
        "login": LoginConfig(host=host, port=22, protocol="SSH"),
        "execution_type": "HPC",
        "scheduler": "SLURM",
        "scratch_dir": "/scratch",
        "queues": (Queue(name="normal", default=True),),
    }
    return storage_system(system_id, **(more | changes))


class Bench:
    """Everything the engine needs, in one directory; a second bench on it is a restart."""

    def __init__(
        self,
        directory: Path,
        launcher: Callable[[Callable[[str], None]], Launcher],
        *,
        settings: Settings = QUICK,
        clock: Clock | None = None,
        hosts: Hosts | None = None,
        journal: type[Journal] = Journal,
        fetcher: Fetcher | None = None,
        gate: Callable[[Bench], Gate] | None = None,
    ) -> None:
        """``launcher`` makes one from the function to be told of changes, ``gate`` one from store and clocks."""
        self.directory = directory
        self.settings = settings
        self.store = Store.at(directory)
        self.clock = clock or RealClock()
        self.clocks = WorldClocks(self.clock)
        self.ids = WorldIds()
        self.messages = threading.Event()
        self.journal = journal(
            self.clocks,
            self.ids,
            V2Messages(lambda _world, _user: "http://localhost:8000"),
            lambda _world: self.messages.set(),
        )
        self.sandboxes = SandboxHosts(directory / "hosts")
        self.hosts: Hosts = hosts or self.sandboxes
        self.launcher = launcher(self._wake)
        self.engine = Engine(
            store=self.store,
            clocks=self.clocks,
            ids=self.ids,
            journal=self.journal,
            hosts=self.hosts,
            launcher=self.launcher,
            settings=settings,
            fetcher=fetcher,
            strikes=Strikes(gate(self), self.clocks) if gate else None,
        )

    def close(self) -> None:
        self.engine.stop()
        if isinstance(self.clock, RealClock):
            self.clock.stop()
        self.store.close()

    def _wake(self, job_id: str) -> None:
        self.engine.wake(job_id)

    # the world

    def furnish(self, execution: System | None = None, wrapper: str = WRAPPER) -> App:
        """Two systems and an app whose bundle is a wrapper, a tool and an empty directory."""
        app = App(
            world=WORLD,
            uuid="app-005",
            name="hello",
            version="1.0",
            owner=OWNER,
            execution_system=EXECUTION,
            execution_type="HPC",
            parallelism="SERIAL",
            deployment_system=STORAGE,
            deployment_path="apps/hello",
            template_path="wrapper.sh",
            test_path="test/test.sh",
            created=NOON,
            last_updated=NOON,
        )
        with self.store.write() as tx:
            tx.accounts.add_world(
                World(
                    name=WORLD,
                    tenant_id="tacc.prod",
                    tenant_uuid="t-001",
                    tenant_name="TACC",
                    default_user=OWNER,
                )
            )
            tx.systems.add(storage_system(), {})
            tx.systems.add(execution or execution_system(), {})
            tx.apps.add(app)
        self.put(STORAGE, "apps/hello/wrapper.sh", wrapper, mode=0o755)
        self.put(STORAGE, "apps/hello/test/test.sh", "echo test\n")
        self.real(STORAGE, "apps/hello/empty").mkdir()
        return app

    def system(self, system_id: str) -> System:
        with self.store.read() as tx:
            found = tx.systems.get(WORLD, system_id)
        assert found is not None
        return found

    def change_system(self, system_id: str, **changes: Any) -> None:
        with self.store.write() as tx:
            found = tx.systems.get(WORLD, system_id)
            assert found is not None
            tx.systems.save(replace(found, **changes))

    def real(self, system_id: str, agave_path: str) -> Path:
        """Where a path on a system really lies."""
        storage = self.system(system_id).storage
        host = self.sandboxes.host(WORLD, storage.host)
        found = host.files.local_path(paths.host_path(storage, paths.virtual_path(storage, agave_path)))
        assert found is not None
        return found

    def put(self, system_id: str, agave_path: str, text: str, mode: int = 0o644) -> Path:
        path = self.real(system_id, agave_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    # jobs

    def submit(self, *, name: str = "hello world", owner: str = OWNER, **plan: Any) -> Job:
        """A job as a submission leaves it: PENDING, with its first history entry. It is not woken."""
        with self.store.read() as tx:
            app = tx.apps.get(WORLD, "hello-1.0")
            system = tx.systems.get(WORLD, EXECUTION)
        assert app is not None and system is not None
        job_id, now = self.ids.of(WORLD).job(), self.clocks.of(WORLD).now()
        archive_path = f"{owner}/archive/jobs/job-{job_id}"
        values: dict[str, Any] = {
            "app": app,
            "execution_system": EXECUTION,
            "scheduler": "SLURM",
            "queue": system.default_queue,
            "node_count": 1,
            "processors_per_node": 1,
            "total_processors": 1,
            "memory_per_node": 1.0,
            "max_run_seconds": 3600,
            "work_path": work_path(system, owner, job_id, name),
            "archive": True,
            "archive_on_app_error": False,
            "archive_system": STORAGE,
            "archive_path": archive_path,
            "archive_path_template": archive_path,
        }
        job = Job(
            world=WORLD,
            id=job_id,
            name=name,
            owner=owner,
            tenant_id="tacc.prod",
            status=JobState.PENDING,
            last_status_message="Transitioning from status ACCEPTED to PENDING in phase STAGING_INPUTS.",
            accepted=now,
            created=now,
            last_updated=now,
            app_id=app.id,
            app_uuid=app.uuid,
            roles="Internal/everyone",
            plan=JobPlan(**(values | plan)),
            request={},
        )
        with self.store.write() as tx:
            tx.jobs.add(job)
            Journal.record(
                self.journal,
                tx,
                world=WORLD,
                subject=job.id,
                kind="job",
                status="PENDING",
                description=JobState.PENDING.description,
                created_by=owner,
                resource=job,
            )
        return job

    def run(self, job: Job, timeout: float = 30.0) -> Job:
        """Run it to its end."""
        if not self.engine._threads:
            self.engine.start()
        self.engine.wake(job.id)
        assert self.engine.wait_idle(timeout), self.job(job.id)
        return self.job(job.id)

    def job(self, job_id: str) -> Job:
        with self.store.read() as tx:
            job = tx.jobs.by_id(job_id)
        assert job is not None
        return job

    def cancel(self, job_id: str) -> None:
        """As services.job_control does it."""
        with self.store.write() as tx:
            tx.jobs.update(job_id, cancel_requested=True)
            tx.after_commit(lambda: self._wake(job_id))

    def history(self, job_id: str) -> list[Event]:
        with self.store.read() as tx:
            return tx.events.of(WORLD, job_id)

    def states(self, job_id: str) -> list[str]:
        """The changes of state in the history: neither progress nor notes."""
        descriptions = {state.description for state in JobState}
        return [event.status for event in self.history(job_id) if event.description in descriptions]


def source(path: str, system_id: str = STORAGE, input_id: str = "data") -> InputSource:
    """An input on a system, as a submission resolves it."""
    return InputSource(
        input_id=input_id,
        uri=f"agave://{system_id}/{path}",
        kind=SourceKind.FILE,
        path=path,
        name=paths.basename(path),
        system_id=system_id,
    )
