"""Apps that are in every world when they are asked for: their jobs fail, wait and end as their parameters say.

They are registered when somebody first names one of them, so that no listing shows them before, and no start pays
for them. What they are stands in fixtures/reserved/apps.yaml.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from emulator.domain.app import AppDefinition
from emulator.domain.credentials import storage_account
from emulator.domain.errors import Unavailable
from emulator.domain.file import permission_from_word
from emulator.domain.identity import WORLD_USER, Caller
from emulator.domain.paths import host_path, virtual_path
from emulator.domain.ports import Hosts
from emulator.domain.simulation import Simulation
from emulator.domain.system import System, SystemType
from emulator.scenario.simulation import check
from emulator.seeds.seeder import copy_bundle
from emulator.services import Services
from emulator.store import Store

PREFIX = "emu-"
"""What the names of all of them begin with: nothing else is looked at."""
_GRANT = "READ_EXECUTE"


class ReservedApps:
    """Puts them in place. ``folder`` holds ``apps.yaml``, and the ``bundle`` that all of them have."""

    def __init__(self, *, store: Store, hosts: Hosts, services: Callable[[], Services], folder: Path) -> None:
        self._store = store
        self._hosts = hosts
        self._services = services
        self._folder = folder
        self._planting = threading.Lock()

    @cached_property
    def documents(self) -> Mapping[str, Mapping[str, Any]]:
        """What each of them is, by its id."""
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        found: Mapping[str, Mapping[str, Any]] = yaml.load(
            (self._folder / "apps.yaml").read_text(encoding="utf-8"), Loader=loader
        )
        return found

    def ensure(self, world: str, app_id: str) -> None:
        """Somebody names an app: if it is one of these, it is there afterwards.

        Not in a world without default systems to run and to keep it on. Raises Unavailable, and as the app service.
        """
        if not app_id.startswith(PREFIX) or app_id not in self.documents or self._is_there(world, app_id):
            return
        with self._planting:
            if not self._is_there(world, app_id):
                try:
                    self._plant(world, app_id)
                except OSError as error:
                    raise Unavailable(f"The app {app_id} cannot be put in place: {error}") from error

    def _is_there(self, world: str, app_id: str) -> bool:
        with self._store.read() as tx:
            return tx.apps.get(world, app_id) is not None

    def _plant(self, world: str, app_id: str) -> None:
        with self._store.read() as tx:
            record = tx.accounts.world(world)
            execution = tx.systems.global_default(world, SystemType.EXECUTION)
            storage = tx.systems.global_default(world, SystemType.STORAGE)
        if record is None or execution is None or storage is None:
            return
        owner = Caller(world=world, username=storage.owner, tenant_id=record.tenant_id, admin=True)
        definition = _definition(app_id, self.documents[app_id], execution, storage)
        files = self._hosts.host(world, storage.storage.host, storage_account(storage, owner.username)).files
        target = host_path(storage.storage, virtual_path(storage.storage, definition.deployment_path))
        copy_bundle(self._folder / "bundle", files, target)
        with self._store.write() as tx:
            if all(one.app != app_id for one in tx.simulations.of(world)):
                document = check(self.documents[app_id]["simulation"])
                tx.simulations.put(Simulation(world=world, app=app_id, document=document))
        app = self._services().apps.register(owner, definition)
        permission = permission_from_word(_GRANT)
        assert permission is not None
        with self._store.write() as tx:
            tx.apps.set_grant(app, WORLD_USER, permission)


def _definition(
    app_id: str, document: Mapping[str, Any], execution: System, storage: System
) -> AppDefinition:
    """The app as a client would register it."""
    from emulator.api.v2.schemas import read_app

    name, _, version = app_id.rpartition("-")
    body: dict[str, Any] = {
        "name": name,
        "version": version,
        "label": document["label"],
        "shortDescription": document["label"],
        "longDescription": document["text"],
        "tags": ["emulator", "failure"],
        "deploymentSystem": storage.id,
        "deploymentPath": "/apps/emulator-reserved",
        "templatePath": "wrapper.sh",
        "testPath": "test/test.sh",
        "executionSystem": execution.id,
        "executionType": execution.execution_type or "CLI",
        "parallelism": "SERIAL",
        "inputs": [],
        "parameters": [
            _parameter(number, *entry) for number, entry in enumerate(document.get("parameters", {}).items())
        ],
    }
    if "max_run_time" in document:
        body["defaultMaxRunTime"] = document["max_run_time"]
    return read_app(body)


def _parameter(order: int, name: str, default: Any) -> dict[str, Any]:
    return {
        "id": name,
        "value": {
            "type": "string" if isinstance(default, str) else "number",
            "default": default,
            "visible": True,
            "required": False,
            "order": order,
        },
        "details": {"label": name, "description": f"{default} when not given"},
        "semantics": {"minCardinality": 0, "maxCardinality": 1, "ontology": []},
    }
