"""Submissions over HTTP with the real services and no engine: a job stays as the submission has stored it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator.api.edge import ListenerScope
from emulator.api.http import create_app
from emulator.api.v2.dialect import V2
from emulator.api.v2.messages import V2Messages
from emulator.api.v2.routes import routes
from emulator.domain.app import App, AppInput, AppParameter
from emulator.domain.file import Permission
from emulator.domain.identity import Token, User, World
from emulator.domain.job import Job
from emulator.domain.paths import host_path, parent, virtual_path
from emulator.domain.search import Page
from emulator.domain.system import Queue, Role, StorageConfig, System, SystemRole, SystemType
from emulator.engine.clock import RealClock
from emulator.engine.clocks import WorldClocks
from emulator.engine.ids import WorldIds
from emulator.engine.journal import Journal
from emulator.engine.striking import NoGate, Strikes
from emulator.hosts.sandbox import SandboxHosts
from emulator.services import Services
from emulator.services.accounts import AccountService
from emulator.services.apps import AppService
from emulator.services.doors import Doors
from emulator.services.file_passages import FilePassages
from emulator.services.file_permissions import FilePermissionService
from emulator.services.files import FileService
from emulator.services.job_control import JobControl
from emulator.services.job_outputs import JobOutputs
from emulator.services.job_permissions import JobPermissions
from emulator.services.job_queries import JobQueries
from emulator.services.job_submission import JobSubmission
from emulator.services.systems import SystemService
from emulator.services.tokens import TokenService
from emulator.settings import Settings
from emulator.store import Store

WORLD = "default"
OWNER = "mao"
USERS = (OWNER, "student01", "student02", "admin")
STORAGE, OTHER_STORAGE, CLUSTER, LOGIN_NODE = "corral", "ranch", "stampede2", "login1"
APP_ID = "classify-1.0"

QUEUES = (
    Queue(
        name="normal",
        default=True,
        mapped_name="norm.q",
        max_jobs=50,
        max_user_jobs=5,
        max_nodes=4,
        max_processors_per_node=16,
        max_memory_per_node=32,
        max_requested_time="10:00:00",
    ),
    Queue(
        name="long",
        max_jobs=50,
        max_user_jobs=5,
        max_nodes=8,
        max_processors_per_node=32,
        max_memory_per_node=64,
        max_requested_time="99:00:00",
    ),
)


class Desk:
    """Takes submissions. ``woken`` holds the jobs that the engine would have been told of."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.clock = RealClock()
        self.clocks = WorldClocks(self.clock)
        self.ids = WorldIds()
        self.store = Store.at(directory)
        self.hosts = SandboxHosts(directory / "hosts")
        self.woken: list[str] = []
        self._add_accounts()
        self.add_system(STORAGE, SystemType.STORAGE, home_dir="/home/mao")
        self.add_system(OTHER_STORAGE, SystemType.STORAGE, owner="student02", home_dir="/ranch")
        self.add_system(
            CLUSTER, SystemType.EXECUTION, scheduler="SLURM", scratch_dir="/scratch", queues=QUEUES
        )
        self.add_system(
            LOGIN_NODE, SystemType.EXECUTION, execution_type="CLI", scheduler="FORK", home_dir="/home"
        )
        self.write(STORAGE, "/apps/classify/wrapper.sh", "echo hello\n")
        self.add_app()
        with self.store.write() as tx:
            tx.systems.set_user_default(WORLD, OWNER, SystemType.STORAGE, STORAGE)
        scopes = {"default": ListenerScope(WORLD, OWNER)}
        self.http = create_app(self._services(), self.settings, scopes, [V2(routes)]).test_client()

    def _services(self) -> Services:
        shared: dict[str, Any] = {"store": self.store, "clocks": self.clocks, "settings": self.settings}
        timed: dict[str, Any] = {"store": self.store, "clocks": self.clocks}
        journal = Journal(
            self.clocks, self.ids, V2Messages(lambda _world, _user: "http://localhost/"), lambda _world: None
        )
        accounts = AccountService(store=self.store, settings=self.settings)
        systems = SystemService(**timed, ids=self.ids, journal=journal)
        placed = shared | {"ids": self.ids, "journal": journal, "systems": systems}
        apps_take = timed | {"ids": self.ids, "journal": journal, "systems": systems}
        permissions = FilePermissionService(**placed, hosts=self.hosts)
        strikes = Strikes(NoGate(), self.clocks)
        elsewhere: Any = None  # what no request of these tests reaches
        files = FileService(
            **placed,
            permissions=permissions,
            hosts=self.hosts,
            fetcher=elsewhere,
            staging_queue=elsewhere,
            strikes=strikes,
        )
        apps = AppService(**apps_take, files=files, file_permissions=permissions)
        submission = JobSubmission(
            **placed,
            apps=apps,
            files=files,
            file_permissions=permissions,
            wake=lambda job_id, _world: self.woken.append(job_id),
        )
        queries = JobQueries(store=self.store)
        given: dict[str, Any] = dict(
            accounts=accounts,
            tokens=TokenService(
                store=self.store, clocks=self.clocks, ids=self.ids, accounts=accounts, settings=self.settings
            ),
            systems=systems,
            apps=apps,
            files=files,
            file_permissions=permissions,
            submission=submission,
            queries=queries,
            control=JobControl(
                **shared,
                journal=journal,
                queries=queries,
                submission=submission,
                wake=lambda job_id, _world: self.woken.append(job_id),
            ),
            outputs=JobOutputs(
                store=self.store,
                queries=queries,
                hosts=self.hosts,
                passages=FilePassages(strikes),
                settings=self.settings,
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
            users = [
                User(world=WORLD, username=name, email=f"{name}@localhost", admin=name == "admin")
                for name in USERS
            ]
            tx.accounts.add_users(users, "emulator")
            for name in USERS:
                token = Token(
                    world=WORLD,
                    access_token=name,
                    refresh_token=None,
                    username=name,
                    client_key="tests",
                    scope="default",
                    created=now,
                    expires=now + timedelta(hours=1),
                )
                tx.tokens.add(token)

    # the world of a test

    def add_system(
        self, system_id: str, kind: SystemType, home_dir: str = "/", root_dir: str = "/", **changes: Any
    ) -> None:
        now = self.clock.now()
        values: dict[str, Any] = {
            "world": WORLD,
            "id": system_id,
            "uuid": self.ids.of(WORLD).legacy("006"),
            "name": system_id,
            "type": kind,
            "owner": OWNER,
            "storage": StorageConfig(
                host=f"{system_id}.example.org",
                port=22,
                protocol="SFTP",
                root_dir=root_dir,
                home_dir=home_dir,
            ),
            "created": now,
            "last_updated": now,
            "execution_type": "HPC" if kind is SystemType.EXECUTION else None,
        }
        with self.store.write() as tx:
            tx.systems.add(System(**values | changes), {})

    def add_app(self, name: str = "classify", **changes: Any) -> None:
        now = self.clock.now()
        values: dict[str, Any] = {
            "world": WORLD,
            "uuid": self.ids.of(WORLD).legacy("005"),
            "name": name,
            "version": "1.0",
            "owner": OWNER,
            "execution_system": CLUSTER,
            "execution_type": "HPC",
            "parallelism": "PARALLEL",
            "deployment_system": STORAGE,
            "deployment_path": "/apps/classify",
            "template_path": "wrapper.sh",
            "test_path": "test.sh",
            "created": now,
            "last_updated": now,
            "inputs": (
                AppInput(id="picture", validator=r".*\.png(\?.*)?"),
                AppInput(id="model", visible=False, default="/apps/classify/wrapper.sh", required=True),
            ),
            "parameters": (
                AppParameter(id="count", type="number", default=3),
                AppParameter(id="verbose", type="bool"),
                AppParameter(id="mode", visible=False, default="fast"),
            ),
        }
        with self.store.write() as tx:
            tx.apps.add(App(**values | changes))

    def change_app(self, **changes: Any) -> None:
        with self.store.write() as tx:
            app = tx.apps.get(WORLD, APP_ID)
            assert app is not None
            tx.apps.save(replace(app, **changes))

    def grant_app(self, username: str, permission: Permission) -> None:
        with self.store.write() as tx:
            app = tx.apps.get(WORLD, APP_ID)
            assert app is not None
            tx.apps.set_grant(app, username, permission)

    def system(self, system_id: str) -> System:
        with self.store.read() as tx:
            found = tx.systems.get(WORLD, system_id)
        assert found is not None
        return found

    def change_system(self, system_id: str, **changes: Any) -> None:
        system = replace(self.system(system_id), **changes)
        with self.store.write() as tx:
            tx.systems.save(system)

    def grant_role(self, system_id: str, username: str, role: Role) -> None:
        with self.store.write() as tx:
            tx.systems.set_role(
                SystemRole(system_uuid=self.system(system_id).uuid, username=username, role=role)
            )

    def write(self, system_id: str, agave_path: str, text: str = "data") -> None:
        """A file on a system's machine, its directory included."""
        storage = self.system(system_id).storage
        files = self.hosts.host(WORLD, storage.host).files
        path = host_path(storage, virtual_path(storage, agave_path))
        files.mkdir(parent(path))
        with files.writer(path) as stream:
            stream.write(text.encode())

    # requests

    def post(self, body: Any, user: str = OWNER, path: str = "/jobs/v2", **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {user}"} | options.pop("headers", {})
        if body is not None:
            options["json"] = body
        return self.http.post(path, headers=headers, **options)

    def submit(self, user: str = OWNER, **fields: Any) -> dict[str, Any]:
        """The answer to a submission that succeeds."""
        response = self.post({"name": "My job", "appId": APP_ID} | fields, user)
        assert response.status_code == 201, response.text
        result: dict[str, Any] = response.json["result"]
        return result

    def submitted(self, user: str = OWNER, **fields: Any) -> Job:
        """The stored record of a submission that succeeds."""
        return self.job(self.submit(user, **fields)["id"])

    def refused(self, user: str = OWNER, **fields: Any) -> tuple[int, str]:
        """Status and message of a submission that fails, leaving nothing behind."""
        return self.refused_body({"name": "My job", "appId": APP_ID} | fields, user)

    def refused_body(self, body: Any, user: str = OWNER, **options: Any) -> tuple[int, str]:
        before = self.rows()
        response = self.post(body, user, **options)
        assert response.json["status"] == "error", response.text
        assert "result" not in response.json
        assert self.rows() == before, "a refused submission has left something behind"
        return response.status_code, response.json["message"]

    def get(self, path: str, user: str = OWNER) -> Any:
        response = self.http.get(path, headers={"Authorization": f"Bearer {user}"})
        assert response.status_code == 200, response.text
        return response.json["result"]

    def job(self, job_id: str) -> Job:
        with self.store.read() as tx:
            found = tx.jobs.by_id(job_id)
        assert found is not None
        return found

    def rows(self) -> tuple[int, int, int]:
        """How many jobs, events and subscriptions there are, and wake-ups there have been."""
        with self.store.read() as tx:
            jobs = tx.jobs.active_ids()
            events = sum(len(tx.events.of(WORLD, job_id)) for job_id in jobs)
            subscriptions = len(tx.subscriptions.find(WORLD, None, [], Page(limit=None)))
        return len(jobs) + len(self.woken), events, subscriptions

    def close(self) -> None:
        self.store.close()
        self.clock.stop()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()
