"""A world with something of everything, and every GET of the API asked about it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.served import Api

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}
USERS = ("testuser", "admin", "student01")
_OUTSIDE = re.compile(r"https?://(?:localhost|127\.0\.0\.1):[0-9]+")


def control(url: str, method: str, path: str = "", expect: int = 200, **options: Any) -> Any:
    """What ``/_emulator/worlds<path>`` answers."""
    answer = requests.request(method, f"{url}/_emulator/worlds{path}", timeout=120, **options)
    assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
    return answer.json()


@dataclass
class Filled:
    """What :func:`fill` has made: the names and ids that URLs are made of."""

    job: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    def paths(self) -> list[str]:
        """GETs of every kind about what is here, with the ids of this world in them."""
        i, job = self.ids, self.job
        system = "tacc.corral"
        file = f"system/{system}/student01/notes.txt"
        return [
            "clients/v2/desk",
            "clients/v2/desk/subscriptions",
            f"systems/v2/{system}",
            f"systems/v2/{system}/history",
            "systems/v2/own.disk/roles",
            "systems/v2/own.disk/roles/student01",
            "systems/v2/own.disk/credentials",
            "systems/v2/own.disk",
            "systems/v2/own.disk/history",
            f"apps/v2/{i['published']}",
            f"apps/v2/{i['published']}/history",
            "apps/v2/classifier-1.0.0",
            "apps/v2/classifier-1.0.0/form",
            "apps/v2/classifier-1.0.0/pems",
            "apps/v2/classifier-1.0.0/history",
            "apps/v2/classifier-1.0.0/pems/world",
            "files/v2/listings/system/tacc.corral/student01",
            f"files/v2/media/{file}",
            f"files/v2/history/{file}",
            f"files/v2/pems/{file}",
            f"jobs/v2/{job}",
            f"jobs/v2/{job}/status",
            f"jobs/v2/{job}/history",
            f"jobs/v2/{job}/pems",
            f"jobs/v2/{job}/pems/student01",
            f"jobs/v2/{job}/outputs/listings",
            f"jobs/v2/{job}/outputs/media/out.txt",
            f"notifications/v2/{i['notification']}",
            f"notifications/v2/{i['notification']}/attempts",
            f"postits/v2/listing/{i['postit']}",
            f"meta/v2/data/{i['item']}",
            f"meta/v2/data/{i['item']}/pems",
            f"meta/v2/schemas/{i['schema']}",
            f"meta/v2/schemas/{i['schema']}/pems",
            *(f"uuids/v2/{uuid}" for uuid in i.values() if "-" in uuid and not uuid.startswith("classifier")),
        ]


LISTINGS = (
    "tenants",
    "clients/v2",
    "profiles/v2",
    "profiles/v2/me",
    "profiles/v2/student01",
    "profiles/v2/search/name/Amara",
    "systems/v2",
    "apps/v2",
    "apps/v2/name/classifier",
    "apps/v2/tag/image",
    "jobs/v2",
    "jobs/v2?limit=5&filter=id,status,created",
    "notifications/v2",
    "postits/v2?status=ALL",
    "meta/v2/data",
    'meta/v2/data?q={"name": "kept"}',
    "meta/v2/schemas",
)


def fill(url: str) -> Filled:
    """Users' doings in a world, through its listener; apps are simulated, so the job is quick."""
    user, admin = Api(url, "testuser"), Api(url, "admin")
    made = Filled()
    Api(url).session.post(f"{url}/clients/v2", json={"clientName": "desk"}, auth=("testuser", "emulator"))
    user.call(
        "POST",
        "systems/v2",
        json={
            "id": "own.disk",
            "name": "Own",
            "type": "STORAGE",
            "storage": {
                "host": "Own.Disk.example.org",
                "port": 22,
                "protocol": "SFTP",
                "rootDir": "/",
                "homeDir": "/home",
                "auth": {"username": "me", "password": "secret", "type": "PASSWORD"},
            },
        },
    )
    user.call("POST", "systems/v2/own.disk/roles", json={"username": "student01", "role": "USER"})
    student = Api(url, "student01")
    student.call(
        "POST",
        "files/v2/media/system/tacc.corral/student01",
        files={"fileToUpload": ("notes.txt", b"one\ntwo\n")},
    )
    student.call(
        "POST",
        "files/v2/pems/system/tacc.corral/student01/notes.txt",
        json={"username": "testuser", "permission": "ALL"},
    )
    made.ids["published"] = admin.call("PUT", "apps/v2/classifier-1.0.0", json={"action": "publish"})["id"]
    made.job = user.call("POST", "jobs/v2", json=JOB)["id"]
    made.ids["job"] = made.job
    assert user.wait_for_job(made.job) == "FINISHED"
    user.call("POST", f"jobs/v2/{made.job}/pems", json={"username": "student01", "permission": "READ"})
    made.ids["notification"] = user.call(
        "POST",
        "notifications/v2",
        json={"associatedUuid": made.job, "event": "*", "url": "me@example.org", "persistent": True},
    )["id"]
    made.ids["postit"] = user.call(
        "POST", "postits/v2", json={"url": f"{url}/jobs/v2/{made.job}", "maxUses": 9}
    )["postit"]
    made.ids["schema"] = user.call("POST", "meta/v2/schemas", json={"type": "object"})["uuid"]
    made.ids["item"] = user.call(
        "POST",
        "meta/v2/data",
        json={"name": "kept", "value": {"a": [1, "two"]}, "associationIds": [made.job]},
    )["uuid"]
    user.call(
        "POST", f"meta/v2/data/{made.ids['item']}/pems", json={"username": "student01", "permission": "READ"}
    )
    made.ids["system"] = user.call("GET", "systems/v2/tacc.corral")["uuid"]
    made.ids["app"] = user.call("GET", "apps/v2/classifier-1.0.0")["uuid"]
    made.ids["event"] = user.call("GET", "systems/v2/tacc.corral/history")[0]["id"]
    return made


def everything(url: str, filled: Filled) -> dict[str, Any]:
    """Every answer about a filled world, to several users, without what differs by the port."""
    found: dict[str, Any] = {}
    for name in USERS:
        api = Api(url, name)
        for path in (*LISTINGS, *filled.paths()):
            answer = api.request("GET", path, auth=(name, "emulator") if path.startswith("clients") else None)
            found[f"{name} {path}"] = answer.status_code, _comparable(answer)
    return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Which answers are others, and how."""
    return {path: (before[path], after[path]) for path in before if before[path] != after[path]}


def _comparable(answer: requests.Response) -> Any:
    text = _OUTSIDE.sub("http://here", answer.text)
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return _without_traces(document)


def _without_traces(document: Any) -> Any:
    """Each look logs in by a client of its own, and what it downloads is noted."""
    result = document.get("result") if isinstance(document, dict) else None
    if isinstance(result, list):
        document["result"] = [one for one in result if not _is_ours(one)]
    return document


def _is_ours(one: Any) -> bool:
    return isinstance(one, dict) and (one.get("name") == "tests" or one.get("status") == "DOWNLOAD")
