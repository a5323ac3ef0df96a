"""Systems and apps over HTTP, without an engine: services around a store, and requests as any of some users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from emulator.api.edge import ListenerScope
from emulator.api.http import create_app
from emulator.api.v2.dialect import V2
from emulator.api.v2.messages import V2Messages
from emulator.api.v2.routes import routes
from emulator.domain.identity import Token, User, World
from emulator.engine.clock import RealClock
from emulator.engine.clocks import WorldClocks
from emulator.engine.ids import WorldIds
from emulator.engine.journal import Journal
from emulator.engine.striking import NoGate, Strikes
from emulator.hosts.sandbox import SandboxHosts
from emulator.services import Services
from emulator.services.accounts import AccountService
from emulator.services.app_permissions import AppPermissionService
from emulator.services.apps import AppService
from emulator.services.doors import Doors
from emulator.services.file_permissions import FilePermissionService
from emulator.services.files import FileService
from emulator.services.system_roles import SystemRoleService
from emulator.services.systems import SystemService
from emulator.services.tokens import TokenService
from emulator.settings import Settings
from emulator.store import Store

WORLD = "tests"
_ELSEWHERE: Any = None  # services that no request of these tests reaches
OWNER, OTHER, THIRD, ADMIN = "testuser", "student01", "student02", "admin"
BASE_URL = "http://localhost/"

STORAGE: Mapping[str, Any] = {
    "id": "data.storage",
    "name": "Data",
    "type": "STORAGE",
    "description": "Where data lie",
    "site": "example.org",
    "storage": {
        "host": "data.example.org",
        "port": 22,
        "protocol": "SFTP",
        "rootDir": "/",
        "homeDir": "/home",
        "auth": {"type": "PASSWORD", "username": "u", "password": "very-secret"},
    },
}
EXECUTION: Mapping[str, Any] = {
    "id": "cluster",
    "name": "Cluster",
    "type": "EXECUTION",
    "executionType": "HPC",
    "scheduler": "SLURM",
    "scratchDir": "/scratch",
    "login": {
        "host": "login.example.org",
        "port": 22,
        "protocol": "SSH",
        "auth": {
            "type": "SSHKEYS",
            "username": "u",
            "publicKey": "ssh-rsa AAAA",
            "privateKey": "very-private",
        },
    },
    "storage": {
        "host": "login.example.org",
        "port": 22,
        "protocol": "SFTP",
        "auth": {"type": "PASSWORD", "username": "u", "password": "very-secret"},
    },
    "queues": [
        {
            "name": "normal",
            "default": True,
            "maxNodes": 16,
            "maxProcessorsPerNode": 48,
            "maxMemoryPerNode": "96GB",
            "maxRequestedTime": "24:00:00",
        },
        {
            "name": "big-mem",
            "maxMemoryPerNode": "1.5TB",
            "maxRequestedTime": "02:00:00",
            "maxJobs": 10,
            "maxUserJobs": 2,
        },
    ],
}
APP: Mapping[str, Any] = {
    "name": "wc",
    "version": "1.00",
    "parallelism": "SERIAL",
    "executionSystem": "cluster",
    "executionType": "HPC",
    "deploymentSystem": "data.storage",
    "deploymentPath": "testuser/apps/wc",
    "templatePath": "wrapper.sh",
    "testPath": "test/test.sh",
}


class Catalog:
    """Requests go in as a user by its token, which is its name."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.clock = RealClock()
        self.clocks = WorldClocks(self.clock)
        self.ids = WorldIds()
        self.store = Store.at(directory)
        journal = Journal(self.clocks, self.ids, V2Messages(lambda *_: BASE_URL), lambda _world: None)
        self.accounts = AccountService(store=self.store, settings=self.settings)
        self.systems = SystemService(store=self.store, clocks=self.clocks, ids=self.ids, journal=journal)
        self.hosts = SandboxHosts(directory / "hosts")
        shared: dict[str, Any] = {
            "store": self.store,
            "clocks": self.clocks,
            "ids": self.ids,
            "journal": journal,
            "systems": self.systems,
        }
        self.file_permissions = FilePermissionService(**shared, hosts=self.hosts, settings=self.settings)
        self.files = FileService(
            **shared,
            permissions=self.file_permissions,
            hosts=self.hosts,
            fetcher=_ELSEWHERE,
            staging_queue=_ELSEWHERE,
            strikes=Strikes(NoGate(), self.clocks),
            settings=self.settings,
        )
        self.apps = AppService(**shared, files=self.files, file_permissions=self.file_permissions)
        self._add_accounts()
        scopes = {"default": ListenerScope(WORLD, OWNER, anonymous=self.settings.anonymous)}
        self.http = create_app(self._services(), self.settings, scopes, [V2(routes)]).test_client()

    def _services(self) -> Services:
        made: dict[str, Any] = dict.fromkeys((field.name for field in fields(Services)), _ELSEWHERE)
        made |= {
            "accounts": self.accounts,
            "tokens": TokenService(
                store=self.store,
                clocks=self.clocks,
                ids=self.ids,
                accounts=self.accounts,
                settings=self.settings,
            ),
            "systems": self.systems,
            "system_roles": SystemRoleService(store=self.store, systems=self.systems, accounts=self.accounts),
            "apps": self.apps,
            "app_permissions": AppPermissionService(store=self.store, apps=self.apps, accounts=self.accounts),
            "files": self.files,
            "file_permissions": self.file_permissions,
            "clocks": self.clocks,
            "doors": Doors(),
        }
        return Services(**made)

    def _add_accounts(self) -> None:
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
            for name in (OWNER, OTHER, THIRD, ADMIN):
                user = User(world=WORLD, username=name, email=f"{name}@example.org", admin=name == ADMIN)
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

    def send(self, method: str, path: str, user: str = OWNER, **options: Any) -> TestResponse:
        return self.http.open(path, method=method, headers={"Authorization": f"Bearer {user}"}, **options)

    def get(self, path: str, user: str = OWNER, status: int = 200, **query: Any) -> Any:
        return self._answer(self.send("GET", path, user, query_string=query), status)

    def post(self, path: str, body: Any, user: str = OWNER, status: int = 201) -> Any:
        return self._answer(self.send("POST", path, user, json=body), status)

    def put(self, path: str, body: Any, user: str = OWNER, status: int = 200) -> Any:
        return self._answer(self.send("PUT", path, user, json=body), status)

    def delete(self, path: str, user: str = OWNER, status: int = 200) -> Any:
        return self._answer(self.send("DELETE", path, user), status)

    def _answer(self, response: TestResponse, status: int) -> Any:
        """``result`` of a success (None where the key is missing), ``message`` of an error."""
        assert response.status_code == status, response.get_data(as_text=True)
        body = response.get_json()
        if status >= 400:
            assert body["status"] == "error"
            assert "result" not in body
            return body["message"]
        assert body["status"] == "success"
        return body.get("result")

    def write(self, path: str, text: str = "#!/bin/bash\n", host: str = "data.example.org") -> None:
        """A file on a machine, as somebody with a shell there would make it."""
        files = self.hosts.host(WORLD, host).files
        files.mkdir(path.rpartition("/")[0])
        with files.writer(path) as file:
            file.write(text.encode())

    def add_app_material(self) -> None:
        """The two systems and, at APP's deployment path, its files."""
        self.post("/systems/v2", STORAGE)
        self.post("/systems/v2", EXECUTION)
        self.write("/home/testuser/apps/wc/wrapper.sh")
        self.write("/home/testuser/apps/wc/test/test.sh")

    def close(self) -> None:
        self.clock.stop()
        self.store.close()


def changed(body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of a body with other values; ``a__b`` reaches into objects, ``...`` removes a key."""
    import copy

    made: dict[str, Any] = copy.deepcopy(dict(body))
    for path, value in changes.items():
        *above, last = path.split("__")
        inner = made
        for name in above:
            inner = inner[name]
        if value is ...:
            inner.pop(last, None)
        else:
            inner[last] = value
    return made
