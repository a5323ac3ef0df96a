"""Mistakes of clients that the real service answers with 5xx or 401: ours, and its own with the switch on.

One row for each line of the contract's table [conventions §9.3]; the message is the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests

from tests.live.own_app import STORAGE, register_cluster, register_script
from tests.served import Api, served

CLUSTER, OWN = "faithful.cluster", "faithful.storage"
MEDIA = f"files/v2/media/system/{STORAGE}"


@dataclass
class Tenant:
    """One served emulator: testuser owns two systems, an app and a finished job; student01 may do nothing there."""

    faithful: bool
    api: Api
    student: Api
    admin: Api
    app_id: str
    job_id: str


@pytest.fixture(scope="module", params=[False, True], ids=["ours", "faithful"])
def tenant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with served(tmp_path_factory.mktemp("faithful"), faithful_5xx=request.param) as emulator:
        api = Api(emulator.url)
        register_cluster(api, CLUSTER)
        login = {"type": "PASSWORD", "username": "testuser", "password": "none"}
        storage = {
            "host": OWN,
            "port": 22,
            "protocol": "SFTP",
            "rootDir": "/",
            "homeDir": "/home",
            "auth": login,
        }
        api.call("POST", "systems/v2", json={"id": OWN, "name": OWN, "type": "STORAGE", "storage": storage})
        api.call("POST", f"systems/v2/{OWN}/roles", json={"username": "student02", "role": "USER"})
        app_id = register_script(api, "faithful", CLUSTER, "mkdir -p below\ntrue\n")
        job = {"name": "faithful", "appId": app_id, "archive": False}
        job_id = api.call("POST", "jobs/v2", json=job)["id"]
        assert api.wait_for_job(job_id) == "FINISHED"
        yield Tenant(
            request.param, api, Api(emulator.url, "student01"), Api(emulator.url, "admin"), app_id, job_id
        )


Ask = Callable[[Tenant], requests.Response]


def ask(who: str, method: str, path: str, **options: object) -> Ask:
    """A request by the ``api``, ``student`` or ``admin`` of the tenant; ``{app_id}`` and ``{job_id}`` are filled in."""

    def asked(tenant: Tenant) -> requests.Response:
        filled = path.format(app_id=tenant.app_id, job_id=tenant.job_id)
        answer: requests.Response = getattr(tenant, who).request(method, filled, **options)
        return answer

    return asked


BROKEN_FORM = {"data": b"--x\r\nnot a part", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}
JOBS_OF = "jobs/v2/{job_id}/outputs"


def act(**fields: str) -> dict[str, object]:
    return {"json": fields}


ROWS: dict[str, tuple[Ask, int, int]] = {
    "broken form: system": (ask("api", "POST", "systems/v2", **BROKEN_FORM), 400, 500),
    "broken form: upload": (ask("api", "POST", f"{MEDIA}//home/testuser", **BROKEN_FORM), 400, 500),
    "import without a URL": (ask("api", "POST", f"{MEDIA}//home/testuser", json={"fileName": "x"}), 400, 500),
    "unknown file action": (ask("api", "PUT", f"{MEDIA}//home/testuser", **act(action="fold")), 400, 501),
    "pems of an unknown path": (
        ask("api", "DELETE", f"files/v2/pems/system/{STORAGE}//home/testuser/nothing"),
        404,
        500,
    ),
    "upload without permission": (
        ask("student", "POST", f"{MEDIA}//home/testuser", files={"fileToUpload": ("a", b"a")}),
        403,
        400,
    ),
    "delete a file without permission": (
        ask("student", "DELETE", f"{MEDIA}//apps/classifier-1.0.0"),
        403,
        401,
    ),
    "delete an app without permission": (ask("student", "DELETE", "apps/v2/{app_id}"), 403, 401),
    "delete a system without permission": (ask("student", "DELETE", f"systems/v2/{OWN}"), 403, 401),
    "outputs without permission": (ask("student", "GET", f"{JOBS_OF}/listings"), 403, 401),
    "setDefault without a role": (
        ask("student", "PUT", f"systems/v2/{OWN}", **act(action="setDefault")),
        403,
        500,
    ),
    "unsetDefault of none": (ask("api", "PUT", f"systems/v2/{OWN}", **act(action="unsetDefault")), 400, 500),
    "clone without an id": (ask("api", "PUT", f"systems/v2/{OWN}", **act(action="clone")), 400, 500),
    "clone to a taken id": (
        ask("api", "PUT", f"systems/v2/{OWN}", **act(action="clone", id=CLUSTER)),
        400,
        500,
    ),
    "unsetGlobalDefault of none": (
        ask("admin", "PUT", f"systems/v2/{OWN}", **act(action="unsetGlobalDefault")),
        400,
        500,
    ),
    "unknown job status": (ask("api", "GET", "jobs/v2?status=SLEEPING"), 400, 500),
    "malformed number": (ask("api", "GET", "jobs/v2?nodeCount=some"), 400, 500),
    "malformed date": (ask("api", "GET", "jobs/v2?created.after=@@"), 400, 500),
    "missing output file": (ask("api", "GET", f"{JOBS_OF}/media/nothing.txt"), 404, 500),
    "a directory through media": (ask("api", "GET", f"{JOBS_OF}/media/below"), 400, 500),
    "profiles by an unknown term": (ask("api", "GET", "profiles/v2/search/shoe_size/44"), 400, 500),
    "a verb of tenants": (ask("api", "PUT", "tenants"), 405, 501),
    "a method of postits": (
        ask(
            "api",
            "POST",
            "postits/v2",
            json={"url": f"http://localhost/{MEDIA}//home/testuser", "method": "LOOK"},
        ),
        400,
        501,
    ),
}


def refused(tenant: Tenant, answer: requests.Response, ours: int, theirs: int) -> None:
    assert answer.status_code == (theirs if tenant.faithful else ours), answer.text
    document = answer.json()
    assert document["status"] == "error" and document["message"], document


@pytest.mark.parametrize("row", ROWS)
def test_a_mistake_is_answered_as_ours_or_as_the_services(tenant: Tenant, row: str) -> None:
    asked, ours, theirs = ROWS[row]
    refused(tenant, asked(tenant), ours, theirs)


def test_a_system_that_is_disabled_twice(tenant: Tenant) -> None:
    path = f"systems/v2/{OWN}"
    tenant.api.call("PUT", path, json={"action": "disable"})
    refused(tenant, tenant.api.request("PUT", path, json={"action": "disable"}), 400, 500)
    tenant.api.call("PUT", path, json={"action": "enable"})


def test_a_visible_job_that_is_unhidden(tenant: Tenant) -> None:
    answer = tenant.api.request("POST", f"jobs/v2/{tenant.job_id}/unhide")
    assert answer.status_code == (500 if tenant.faithful else 200)
    if tenant.faithful:
        assert answer.json()["message"] == "Job is already visible."


def test_an_unknown_permission_of_metadata(tenant: Tenant) -> None:
    item = tenant.api.call("POST", "meta/v2/data", json={"name": "faithful", "value": 1})["uuid"]
    body = {"username": "student01", "permission": "LOOK"}
    refused(tenant, tenant.api.request("POST", f"meta/v2/data/{item}/pems", json=body), 400, 500)


def test_outputs_whose_directory_is_gone(tenant: Tenant) -> None:
    job = {"name": "gone", "appId": tenant.app_id, "archive": False}
    job_id = tenant.api.call("POST", "jobs/v2", json=job)["id"]
    assert tenant.api.wait_for_job(job_id) == "FINISHED"
    work_path = tenant.api.call("GET", f"jobs/v2/{job_id}")["workPath"]
    tenant.api.call("DELETE", f"files/v2/media/system/{CLUSTER}/{work_path}")
    refused(tenant, tenant.api.request("GET", f"jobs/v2/{job_id}/outputs/listings"), 404, 500)
