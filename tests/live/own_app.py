"""An execution system and an app of one's own, registered over HTTP, for scripts that a test or benchmark writes."""

from __future__ import annotations

from typing import Any

from tests.served import Api

STORAGE = "tacc.corral"


def register_cluster(api: Api, system_id: str, **changes: Any) -> None:
    """An execution system of testuser's without limits that matter, FORK unless ``changes`` say otherwise."""
    login = {"type": "PASSWORD", "username": "testuser", "password": "not-a-real-password"}
    machine = {"host": f"{system_id}.example.org", "port": 22, "auth": login}
    system = {
        "id": system_id,
        "name": system_id,
        "type": "EXECUTION",
        "executionType": "CLI",
        "scheduler": "FORK",
        "scratchDir": "/scratch",
        "workDir": "/scratch",
        "login": {**machine, "protocol": "SSH"},
        "storage": {**machine, "protocol": "SFTP", "rootDir": "/", "homeDir": "/home/testuser"},
    }
    api.call("POST", "systems/v2", json=system | changes)


def register_script(api: Api, name: str, system_id: str, script: str, **changes: Any) -> str:
    """An app whose wrapper template is ``script``; the answer is the app's id."""
    folder = f"/home/testuser/apps/{name}"
    api.call("PUT", f"files/v2/media/system/{STORAGE}//", json={"action": "mkdir", "path": folder})
    for file, content in {"wrapper.sh": script, "test.sh": "true\n"}.items():
        api.call("POST", f"files/v2/media/system/{STORAGE}/{folder}", files={"fileToUpload": (file, content)})
    app = {
        "name": name,
        "version": "1.0",
        "parallelism": "SERIAL",
        "executionSystem": system_id,
        "executionType": "CLI",
        "deploymentSystem": STORAGE,
        "deploymentPath": folder,
        "templatePath": "wrapper.sh",
        "testPath": "test.sh",
        "inputs": [],
        "parameters": [],
    }
    api.call("POST", "apps/v2", json=app | changes)
    return f"{name}-1.0"
