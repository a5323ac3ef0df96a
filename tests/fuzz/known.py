"""What is there when the fuzzing begins, so that not every request is about nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.live.own_app import STORAGE, register_cluster, register_script
from tests.served import Api

OWNER, OTHER = "testuser", "student01"
CLUSTER, SECOND, APP = "fuzz.cluster", "fuzz.second", "fuzzed"
SCRIPT = "#!/bin/sh\nmkdir sub\necho 42 > sub/answer.txt\n"
FOLDER = "/home/testuser/fuzz"
# relative to the system's homeDir: doubled slashes do not survive the making of a URL
PLACES = ["testuser/fuzz/a b.txt", "testuser/fuzz", "..", "testuser/fuzz/nowhere"]
PERMISSIONS = [
    {"username": OTHER, "permission": "READ"},
    {"username": OTHER, "permission": "ALL"},
    {"username": OTHER, "permission": "NONE"},
]


@dataclass
class Known:
    """What requests can be about.

    ``paths``: values of the variables of paths, by name; those at the same place belong together.
    ``queries`` and ``bodies``: such as are accepted, by the operation's name.
    """

    paths: dict[str, list[str]] = field(default_factory=dict)
    queries: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    bodies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def prepare(api: Api, service: str) -> Known:
    """The world in which the operations of a service are fuzzed."""
    known = Known()
    known.paths |= {
        "username": [OTHER, OWNER, "admin", "nobody"],
        "apiUsername": [OWNER, OTHER],
        "tenant": ["tacc.prod"],
        "systemId": [CLUSTER, SECOND, STORAGE],
        "internalUsername": ["inner", "default"],
        "credentialType": ["storage", "login"],
        "queueName": ["default", "big"],
        "term": ["username", "email", "name"],
        "value": ["testuser", "FINISHED"],
        "attribute": ["owner", "status", "name"],
        "terms": ["status/FINISHED", "id", "runtime", "owner/testuser/name/fuzzed"],
        "filePath": PLACES,
        "sourcefilePath": PLACES,
    }
    for prepared in _OF_SERVICES.get(service, ()):
        prepared(api, known)
    return known


def _clients(api: Api, known: Known) -> None:
    made = api.call(
        "POST", "clients/v2", json={"clientName": "fuzzed", "callbackUrl": "http://localhost/back"}
    )
    login = {"client_id": made["consumerKey"], "client_secret": made["consumerSecret"]}
    password = {"grant_type": "password", "username": OWNER, "password": "emulator"}
    token = api.request("POST", "token", data={**login, **password}).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    asked = {"client_id": made["consumerKey"], "redirect_uri": "http://localhost/back"}
    known.paths["clientName"] = ["fuzzed"]
    known.queries["tokens.authorize"] = [{**asked, "response_type": kind} for kind in ("code", "token", "x")]
    known.bodies |= {
        "clients.create": [{"clientName": "another", "description": "fuzz"}],
        "clients.addSubscriptionForClient": [{"apiName": "*"}, {"apiName": "Jobs"}],
        "tokens.create": [
            {**login, **password},
            {**login, "grant_type": "client_credentials"},
            {**login, **refresh},
        ],
        "tokens.grant": [
            {**asked, "response_type": "code", "username": OWNER, "password": "emulator"},
            {**asked, "response_type": "token", "username": OWNER, "password": "wrong"},
        ],
        "tokens.revoke": [{**login, "token": token["access_token"]}],
    }


def _profiles(_: Api, known: Known) -> None:
    known.bodies |= {
        "profiles.create": [
            {"username": f"fuzzed{n}", "password": "secret", "email": "f@example.org"} for n in range(4)
        ],
        "profiles.update": [{"email": "new@example.org", "first_name": "New"}],
    }
    known.paths["username"] = [OTHER, "fuzzed0", "fuzzed1", "nobody"]


def _systems(api: Api, known: Known) -> None:
    for system in (CLUSTER, SECOND):
        register_cluster(api, system)
    login = {"type": "PASSWORD", "username": "u", "password": "secret"}
    machine = {"host": "fuzz.example.org", "port": 22, "auth": login}
    execution = {
        "id": CLUSTER,
        "name": "Fuzzed",
        "type": "EXECUTION",
        "executionType": "CLI",
        "scheduler": "FORK",
        "login": {**machine, "protocol": "SSH"},
        "storage": {**machine, "protocol": "SFTP"},
        "queues": [{"name": "default", "default": True}],
    }
    storage = {
        "id": "fuzz.storage",
        "name": "Fuzzed",
        "type": "STORAGE",
        "storage": {**machine, "protocol": "SFTP"},
    }
    roles = [{"username": OTHER, "role": role} for role in ("USER", "ADMIN", "NONE")]
    role = [{"role": "USER"}, {"role": "NONE"}]
    known.bodies |= {
        "systems.add": [execution, storage],
        "systems.update": [execution],
        "systems.manage": [
            {"action": action} for action in ("disable", "enable", "setDefault", "unsetDefault")
        ]
        + [{"action": "clone", "id": "fuzz.clone"}],
        "systems.addQueue": [{"name": "big", "maxNodes": 4}, {"name": "default", "maxJobs": 5}],
        "systems.updateQueue": [{"name": "default", "maxJobs": 5}],
        "systems.updateRole": roles,
        "systems.updateRoleForUser": role,
        "systems.updateCredentials": [login],
        "systems.updateCredentialsForInternalUser": [login],
        "systems.updateCredentialsForInternalUserByType": [login],
    }
    events = [api.call("GET", f"systems/v2/{system}/history")[0]["id"] for system in (CLUSTER, SECOND)]
    known.paths["eventId"] = events


def _files(api: Api, known: Known) -> None:
    api.call("PUT", f"files/v2/media/system/{STORAGE}//", json={"action": "mkdir", "path": f"{FOLDER}/b"})
    upload = {"fileToUpload": ("a b.txt", b"0123456789")}
    api.call("POST", f"files/v2/media/system/{STORAGE}/{FOLDER}", files=upload)
    pems = f"files/v2/pems/system/{STORAGE}/{FOLDER}"
    api.call("POST", pems, json=PERMISSIONS[0] | {"recursive": True})
    url = f"{api.url}/files/v2/media/system/{STORAGE}/{FOLDER}/a%20b.txt"
    manage = [
        {"action": "copy", "path": f"{FOLDER}/copy"},
        {"action": "mkdir", "path": "new"},
        {"action": "rename", "path": "renamed"},
    ]
    for name in ("", "OnDefaultSystem"):
        known.bodies |= {
            f"files.manage{name}": manage,
            f"files.updatePermissions{name}": PERMISSIONS,
        }
    for name in ("importData", "importToDefaultSystem"):
        known.bodies[f"files.{name}"] = [{"urlToIngest": url, "fileName": "imported"}]
    known.paths["systemId"] = [STORAGE]


def _apps(api: Api, known: Known) -> None:
    parameters = [{"id": "greeting", "value": {"type": "string", "default": "hello"}}]
    app_id = register_script(api, APP, CLUSTER, SCRIPT, parameters=parameters)
    api.call("POST", f"apps/v2/{app_id}/pems", json=PERMISSIONS[0])
    folder = f"/home/testuser/apps/{APP}"
    app = {
        "name": APP,
        "version": "1.1",
        "parallelism": "SERIAL",
        "executionSystem": CLUSTER,
        "executionType": "CLI",
        "deploymentSystem": STORAGE,
        "deploymentPath": folder,
        "templatePath": "wrapper.sh",
        "testPath": "test.sh",
        "inputs": [],
        "parameters": parameters,
    }
    clone = {"action": "clone", "name": "cloned", "version": "1.0", "deploymentPath": "/home/testuser/cloned"}
    known.paths |= {"appId": [app_id], "uniqueName": [app_id], "name": [APP], "tag": ["fuzzed"]}
    known.paths["eventId"] = [each["id"] for each in api.call("GET", f"apps/v2/{app_id}/history")]
    known.bodies |= {
        "apps.add": [app],
        "apps.update": [{**app, "version": "1.0"}],
        "apps.manage": [{"action": "disable"}, {"action": "enable"}, clone],
        "apps.updateApplicationPermissions": PERMISSIONS,
        "apps.updatePermissionsForUser": [{"permission": "READ"}, {"permission": "NONE"}],
    }


def _jobs(api: Api, known: Known) -> None:
    """Some jobs that have run, and a system that runs no more: what is submitted from now on stays BLOCKED."""
    app_id = known.paths["appId"][0]
    found = [api.call("POST", "jobs/v2", json={"name": "fuzzed", "appId": app_id})["id"] for _ in range(3)]
    for job_id in found:
        assert api.wait_for_job(job_id) == "FINISHED"
        api.call("POST", f"jobs/v2/{job_id}/pems", json=PERMISSIONS[0])
    request = {"name": "fuzzed", "appId": app_id}
    known.paths |= {"jobId": found, "filePath": ["sub", "sub/answer.txt", "nowhere", ".."]}
    known.bodies |= {
        "jobs.submit": [request, {**request, "parameters": {"greeting": "a'b\n$c"}, "inputs": {}}],
        "jobs.manage": [{"action": action} for action in ("resubmit", "stop", "hide", "unhide")],
        "jobs.updatePermissions": PERMISSIONS,
        "jobs.updatePermissionsForUser": [{"permission": "READ"}, {"permission": "NONE"}],
    }
    register_cluster(api, CLUSTER, status="MAINTENANCE")


def _notifications(api: Api, known: Known) -> None:
    about = {
        "associatedUuid": api.call("GET", f"systems/v2/{CLUSTER}")["uuid"],
        "event": "*",
        "url": "testuser@example.org",
        "persistent": True,
    }
    found = [api.call("POST", "notifications/v2", json=about)["id"] for _ in range(3)]
    attempts = [api.call("POST", f"notifications/v2/{each}/attempts", json={})["id"] for each in found]
    known.paths |= {"uuid": found, "attemptId": attempts}
    known.bodies |= {
        "notifications.add": [about],
        "notifications.update": [about],
        "notifications.fire": [{"foo": "bar"}],
    }


def _postits(api: Api, known: Known) -> None:
    target = {"url": f"{api.url}/files/v2/media/system/{STORAGE}/{FOLDER}/a%20b.txt", "maxUses": 20}
    found = [api.call("POST", "postits/v2", json=target)["postit"] for _ in range(3)]
    known.paths["nonce"] = found
    known.bodies |= {
        "postits.create": [target, {**target, "maxUses": -1}],
        "postits.update": [{"maxUses": 30, "lifetime": 600}],
    }


def _metadata(api: Api, known: Known) -> None:
    system = api.call("GET", f"systems/v2/{CLUSTER}")["uuid"]
    item = {"name": "fuzzed", "value": {"a": [1, "two"]}, "associationIds": [system]}
    schema = {"type": "object", "properties": {"a": {"type": "array"}}}
    items = [api.call("POST", "meta/v2/data", json=item)["uuid"] for _ in range(3)]
    schemas = [api.call("POST", "meta/v2/schemas", json=schema)["uuid"] for _ in range(3)]
    for each in items:
        api.call("POST", f"meta/v2/data/{each}/pems", json=PERMISSIONS[0])
    for each in schemas:
        api.call("POST", f"meta/v2/schemas/{each}/pems", json=PERMISSIONS[0])
    known.paths["uuid"] = [value for pair in zip(items, schemas, strict=True) for value in pair]
    known.queries |= {
        "meta.listMetadata": [{"q": '{"name": "fuzzed"}'}, {"q": '{"value.a": {"$in": [1]}}', "limit": "1"}],
        "uuids.list": [{"uuids": ",".join([*items, "nothing"])}, {"uuids": system, "expand": "true"}],
        "uuids.get": [{"expand": "true"}, {}],
    }
    known.bodies |= {
        "meta.addMetadata": [item, {**item, "schemaId": schemas[0]}],
        "meta.updateMetadata": [item],
        "meta.addSchema": [schema],
        "meta.updateSchema": [schema],
        "uuids.create": [{"type": "FILE"}, {"type": "JOB"}],
    }
    for kind in ("Metadata", "Schema"):
        known.bodies |= {
            f"meta.update{kind}Permissions": PERMISSIONS,
            f"meta.update{kind}PermissionsForUser": [{"permission": "READ"}, {"permission": "NONE"}],
        }


_OF_SERVICES: dict[str, tuple[Callable[[Api, Known], None], ...]] = {
    "clients": (_clients,),
    "tokens": (_clients,),
    "profiles": (_profiles,),
    "systems": (_systems,),
    "apps": (_systems, _apps),
    "files": (_files,),
    "jobs": (_systems, _apps, _jobs),
    "notifications": (_systems, _notifications),
    "postits": (_files, _postits),
    "meta": (_systems, _metadata),
    "uuids": (_systems, _metadata),
}
