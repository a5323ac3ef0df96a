"""Jobs over HTTP without an engine: what is asked about here lies in the store as the test has put it there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from emulator.api.edge import Edge, ListenerScope
from emulator.api.http import create_app
from emulator.api.v2.dialect import V2
from emulator.api.v2.messages import V2Messages
from emulator.api.v2.routes import routes
from emulator.domain.identity import Token, User, World
from emulator.domain.job import Job, JobGrant
from emulator.domain.paths import host_path, virtual_path
from emulator.domain.ports import HostFiles
from emulator.domain.states import JobState
from emulator.domain.system import StorageConfig, System, SystemType
from emulator.engine.clock import RealClock
from emulator.engine.clocks import WorldClocks
from emulator.engine.ids import WorldIds
from emulator.engine.journal import Journal
from emulator.engine.striking import NoGate, Strikes
from emulator.hosts.sandbox import SandboxHosts
from emulator.services import Services
from emulator.services.accounts import AccountService
from emulator.services.doors import Doors
from emulator.services.file_passages import FilePassages
from emulator.services.job_control import JobControl
from emulator.services.job_outputs import JobOutputs
from emulator.services.job_permissions import JobPermissions
from emulator.services.job_queries import JobQueries
from emulator.services.tokens import TokenService
from emulator.settings import Settings
from emulator.store import Store
from tests.job_samples import APP, NOON, OWNER, PLAN, WORLD, sample_job

SCOPES = {"default": ListenerScope(WORLD, OWNER)}
_apps: dict[str, Flask] = {}
"""By settings. Routes take long to make: one application serves all benches, one request at a time."""

USERS = (OWNER, "student01", "student02", "admin")


class Bench:
    """The services of jobs around a store, and requests to them as any of USERS."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.clock = RealClock()
        self.clocks = WorldClocks(self.clock)
        self.ids = WorldIds()
        self.store = Store.at(directory)
        self.hosts = SandboxHosts(directory / "hosts")
        self.woken: list[str] = []
        self._add_accounts()
        self._add_systems()
        self._edge = Edge(self._services(), self.settings, SCOPES)
        key = str(self.settings)
        if key not in _apps:
            _apps[key] = create_app(self._edge.services, self.settings, SCOPES, [V2(routes)])
        self._app = _apps[key]

    def _services(self) -> Services:
        shared: dict[str, Any] = {"store": self.store, "settings": self.settings}
        timed = {"store": self.store, "clocks": self.clocks}
        journal = Journal(
            self.clocks, self.ids, V2Messages(lambda _world, _user: "http://localhost/"), lambda _world: None
        )
        accounts = AccountService(store=self.store, settings=self.settings)
        queries = JobQueries(store=self.store)
        elsewhere: Any = None  # services that no request of these tests reaches
        control = JobControl(
            **timed,
            journal=journal,
            queries=queries,
            submission=elsewhere,
            settings=self.settings,
            wake=lambda job_id, _world: self.woken.append(job_id),
        )
        given: dict[str, Any] = dict(
            accounts=accounts,
            tokens=TokenService(
                store=self.store, clocks=self.clocks, ids=self.ids, accounts=accounts, settings=self.settings
            ),
            queries=queries,
            control=control,
            outputs=JobOutputs(
                **shared,
                queries=queries,
                hosts=self.hosts,
                passages=FilePassages(Strikes(NoGate(), self.clocks)),
            ),
            job_permissions=JobPermissions(
                store=self.store, journal=journal, queries=queries, accounts=accounts
            ),
            clocks=self.clocks,
            doors=Doors(),
        )
        return Services(**dict.fromkeys((one.name for one in fields(Services)), elsewhere) | given)

    def _add_accounts(self) -> None:
        """Users whose token is their name."""
        now = self.clock.now()
        with self.store.write() as tx:
            tx.accounts.add_world(
                World(
                    name=WORLD,
                    tenant_id="tacc.prod",
                    tenant_uuid="0001411570998814-b0b0b0bb0b-0001-016",
                    tenant_name="tests",
                    default_user=OWNER,
                )
            )
            for name in USERS:
                user = User(world=WORLD, username=name, email=f"{name}@localhost", admin=name == "admin")
                tx.accounts.add_user(user, "emulator")
                tx.tokens.add(
                    Token(
                        world=WORLD,
                        access_token=name,
                        refresh_token=None,
                        username=name,
                        client_key="tests",
                        scope="default",
                        created=now,
                        expires=now + timedelta(hours=1),
                    )
                )

    def _add_systems(self) -> None:
        assert PLAN.archive_system
        with self.store.write() as tx:
            for system_id, kind, root in (
                (PLAN.archive_system, SystemType.STORAGE, "/corral"),
                (APP.execution_system, SystemType.EXECUTION, "/"),
            ):
                storage = StorageConfig(
                    host=f"{kind.lower()}.tacc.utexas.edu", port=22, protocol="SFTP", root_dir=root
                )
                tx.systems.add(
                    System(
                        world=WORLD,
                        id=system_id,
                        uuid=self.ids.of(WORLD).legacy("006"),
                        name=system_id,
                        type=kind,
                        owner=OWNER,
                        storage=storage,
                        created=NOON,  # before any job
                        last_updated=NOON,
                    ),
                    {},
                )

    # what tests do

    def add(self, *jobs: Job) -> Job:
        """Store them; the answer is the last one."""
        with self.store.write() as tx:
            for job in jobs:
                tx.jobs.add(job)
        return jobs[-1]

    def grant(self, job: Job, username: str, permission: str) -> None:
        with self.store.write() as tx:
            tx.jobs.set_grant(JobGrant(job_id=job.id, username=username, permission=permission))

    def job(self, job_id: str) -> Job:
        with self.store.read() as tx:
            return cast(Job, tx.jobs.by_id(job_id))

    def events(self, job: Job) -> list[tuple[str, str, str]]:
        """Status, description and author of the job's history."""
        with self.store.read() as tx:
            return [(e.status, e.description, e.created_by) for e in tx.events.of(job.world, job.id)]

    def set_system(self, system_id: str, **changes: Any) -> None:
        with self.store.write() as tx:
            system = tx.systems.get(WORLD, system_id)
            assert system is not None
            tx.systems.save(replace(system, **changes))

    def folder(self, system_id: str, agave_path: str) -> tuple[HostFiles, str]:
        """The files of a system's machine, and the host path of a directory there, which is made."""
        with self.store.read() as tx:
            system = tx.systems.get(WORLD, system_id)
        assert system is not None
        files = self.hosts.host(WORLD, system.storage.host).files
        path = host_path(system.storage, virtual_path(system.storage, agave_path))
        files.mkdir(path)
        return files, path

    def request(self, method: str, path: str, user: str = OWNER, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {user}"} | options.pop("headers", {})
        self._app.extensions["emulator"] = self._edge
        return self._app.test_client().open(path, method=method, headers=headers, **options)

    def get(self, path: str, user: str = OWNER, **query: Any) -> Any:
        """The ``result`` of a GET that succeeds."""
        return self.call("GET", path, user, query_string=query)

    def call(self, method: str, path: str, user: str = OWNER, expect: int = 200, **options: Any) -> Any:
        response = self.request(method, path, user, **options)
        assert response.status_code == expect, response.text
        assert response.json["status"] == "success"
        return response.json.get("result")

    def message(self, method: str, path: str, user: str = OWNER, **options: Any) -> Any:
        """The ``message`` of an answer that has succeeded without a result."""
        response = self.request(method, path, user, **options)
        assert response.status_code == 200, response.text
        assert "result" not in response.json
        return response.json["message"]

    def refused(self, method: str, path: str, user: str = OWNER, **options: Any) -> tuple[int, str]:
        """Status and message of an error."""
        response = self.request(method, path, user, **options)
        assert response.json["status"] == "error", response.text
        assert "result" not in response.json
        return response.status_code, response.json["message"]


@contextmanager
def opened(directory: Path, **settings: Any) -> Iterator[Bench]:
    bench = Bench(directory, **settings)
    try:
        yield bench
    finally:
        bench.store.close()
        bench.clock.stop()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path) as made:
        yield made


RUNNING: dict[str, Any] = {
    "status": JobState.RUNNING,
    "ended": None,
    "remote_ended": None,
    "remote_outcome": None,
    "archived": False,
}
"""Changes that make a sample job one that still runs."""


@pytest.fixture
def running(bench: Bench) -> Job:
    return bench.add(sample_job(1, **RUNNING))


@pytest.fixture
def finished(bench: Bench) -> Job:
    return bench.add(sample_job(1))


# outputs


@dataclass
class Folder:
    """A directory of a job on one of its systems."""

    files: HostFiles
    path: str

    def write(self, name: str, content: bytes = b"") -> Path:
        """Make a file, its directories too; the answer is where it really lies."""
        path = f"{self.path}/{name}"
        self.files.mkdir(path.rpartition("/")[0])
        with self.files.writer(path) as stream:
            stream.write(content)
        local = self.files.local_path(path)
        assert local is not None
        return local


def work_folder(bench: Bench, job: Job) -> Folder:
    return Folder(*bench.folder(job.plan.execution_system, job.plan.work_path))


def archive_folder(bench: Bench, job: Job) -> Folder:
    assert job.plan.archive_system
    return Folder(*bench.folder(job.plan.archive_system, job.plan.archive_path))


@pytest.fixture
def work(bench: Bench, running: Job) -> Folder:
    """The work directory of the running job, with some files."""
    folder = work_folder(bench, running)
    folder.write("out.txt", b"0123456789")
    folder.write("test/deep/data.json", b"{}")
    folder.write(".agave.log", b"started\n")
    return folder
