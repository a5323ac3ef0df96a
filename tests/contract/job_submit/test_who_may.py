"""Who may do what with a job: every role on every operation of the route table [jobs §8, §11]."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Response

from emulator.api.v2.routes import routes
from emulator.domain.job import Job, JobGrant
from emulator.domain.states import JobState
from tests.contract.job_submit.conftest import CLUSTER, OWNER, WORLD, Desk

pytestmark = pytest.mark.sample(4)

OTHER = "student01"
VIEW = "User does not have permission to view this job"
OUTPUTS = "User does not have permission to view this resource."
PEMS_VIEW = "User does not have permission to view this resource"
PEMS_CHANGE = "User does not have permission to modify this resource."
APP_ID = "plain-1.0u1"

READERS = {"owner", "admin", "ALL", "READ", "READ_WRITE", "READ_EXECUTE", "world READ", "READ before world"}
WRITERS = {"owner", "admin", "ALL", "WRITE", "READ_WRITE", "WRITE_EXECUTE", "world WRITE"}
LISTED = {"owner", "ALL", "READ", "WRITE", "READ_WRITE", "EXECUTE", "READ_EXECUTE", "WRITE_EXECUTE"}
LISTED |= {"world READ", "world WRITE", "READ before world", "EXECUTE before world"}
GRANTS: dict[str, list[tuple[str, str]]] = {
    "owner": [],
    "admin": [],
    "stranger": [],
    **{word: [(OTHER, word)] for word in ("ALL", "READ", "WRITE", "READ_WRITE", "EXECUTE")},
    **{word: [(OTHER, word)] for word in ("READ_EXECUTE", "WRITE_EXECUTE")},
    "world READ": [("world", "READ")],
    "world WRITE": [("world", "WRITE")],
    # the user's own row stands before that of everybody
    "READ before world": [(OTHER, "READ"), ("world", "WRITE")],
    "EXECUTE before world": [(OTHER, "EXECUTE"), ("world", "ALL")],
}


@dataclass(frozen=True)
class Row:
    """``may``: the roles that are answered with ``status``; all others are 403 with ``refusal``.

    With ``may`` None nobody is refused, and ``finds`` says who finds the job in the answer.
    """

    may: set[str] | None
    status: int = 200
    refusal: str = VIEW
    finds: set[str] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    hidden: bool = False


ANYBODY = Row(None)
PERMISSION = {"json": {"username": "student02", "permission": "READ"}}
ROWS: dict[str, Row] = {
    "GET /jobs/v2": Row(None, finds=LISTED),
    "POST /jobs/v2": Row(None, 201, options={"json": {"name": "new", "appId": APP_ID, "archive": False}}),
    "GET /jobs/v2/<job_id>": Row(READERS),
    "POST /jobs/v2/<job_id>": Row(WRITERS, options={"json": {"action": "stop"}}),
    "DELETE /jobs/v2/<job_id>": Row(WRITERS),
    "POST /jobs/v2/<job_id>/cancel": Row(WRITERS),
    "POST /jobs/v2/<job_id>/kill": Row(WRITERS),
    "POST /jobs/v2/<job_id>/stop": Row(WRITERS),
    "POST /jobs/v2/<job_id>/hide": Row(WRITERS),
    "POST /jobs/v2/<job_id>/unhide": Row(WRITERS, hidden=True),
    "POST /jobs/v2/<job_id>/resubmit": Row(WRITERS, 201),
    "GET /jobs/v2/<job_id>/status": Row(READERS),
    "GET /jobs/v2/<job_id>/history": Row(
        READERS, refusal="User does not have permission to view this job history"
    ),
    "GET /jobs/v2/<job_id>/pems": Row(READERS, refusal=PEMS_VIEW),
    "POST /jobs/v2/<job_id>/pems": Row(WRITERS, 201, PEMS_CHANGE, options=PERMISSION),
    "DELETE /jobs/v2/<job_id>/pems": Row(WRITERS, refusal=PEMS_CHANGE),
    "GET /jobs/v2/<job_id>/pems/<username>": Row(READERS, refusal=PEMS_VIEW),
    "POST /jobs/v2/<job_id>/pems/<username>": Row(
        WRITERS, 201, PEMS_CHANGE, options={"json": {"permission": "READ"}}
    ),
    "DELETE /jobs/v2/<job_id>/pems/<username>": Row(WRITERS, refusal=PEMS_CHANGE),
    "GET /jobs/v2/search/<tail:terms>": Row(None, finds=LISTED | {"admin"}),
    "GET /jobs/v2/<attribute>/<value>": Row(None, finds=LISTED | {"admin"}),
} | {
    f"GET /jobs/v2/<job_id>/{spelling}/{kind}{tail}": Row(READERS, status, OUTPUTS)
    for spelling, (kind, status, tail) in itertools.product(
        ("outputs", "ouputs"),
        (
            ("listings", 200, ""),
            ("listings", 200, "/<tail:path>"),
            ("media", 400, ""),
            ("media", 200, "/<tail:path>"),
        ),
    )
}
ROWS |= {f"{verb} /jobs/v2/trigger/<tail:path>": Row(None, 404) for verb in ("GET", "POST", "PUT", "DELETE")}


def operations() -> list[str]:
    """Every verb of every route under /jobs/v2."""
    return [
        f"{verb} {route.path}"
        for route in routes()
        if route.path.startswith("/jobs/v2")
        for verb in route.methods.split()
    ]


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert sorted(operations()) == sorted(ROWS)


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.add_app("plain", public=True, inputs=(), parameters=())
    desk.change_system(CLUSTER, public=True)
    yield desk
    desk.close()


def job_for(desk: Desk, role: str, row: Row) -> Job:
    """A running job of OWNER's with one output, shared as the role says."""
    job = desk.submitted(name=role, appId=APP_ID, archive=False)
    desk.write(CLUSTER, f"{job.plan.work_path}/out.txt", "hello")
    with desk.store.write() as tx:
        tx.jobs.update(job.id, status=JobState.RUNNING, visible=not row.hidden)
        for username, word in GRANTS[role]:
            tx.jobs.set_grant(JobGrant(job_id=job.id, username=username, permission=word))
    return job


def request(desk: Desk, operation: str, job: Job, user: str, row: Row) -> Response:
    verb, path = operation.split(" ", 1)
    path = path.replace("<job_id>", job.id).replace("<tail:path>", "out.txt").replace("<username>", OWNER)
    if verb != "GET":
        path = path.replace(f"pems/{OWNER}", "pems/student02")
    path = (
        path.replace("<tail:terms>", f"id/{job.id}").replace("<attribute>", "id").replace("<value>", job.id)
    )
    headers = {"Authorization": f"Bearer {user}"}
    return desk.http.open(path, method=verb, headers=headers, **row.options)


@pytest.mark.parametrize(("operation", "role"), list(itertools.product(sorted(ROWS), GRANTS)))
def test_role_and_operation(shared_desk: Desk, operation: str, role: str) -> None:
    desk, row = shared_desk, ROWS[operation]
    job = job_for(desk, role, row)
    user = {"owner": OWNER, "admin": "admin"}.get(role, OTHER)
    response = request(desk, operation, job, user, row)
    allowed = row.may is None or role in row.may
    assert response.status_code == (row.status if allowed else 403), response.text
    if not allowed:
        assert response.json is not None and response.json["message"] == row.refusal
        assert state_of(desk, job) == (JobState.RUNNING, not row.hidden, False, GRANTS[role]), (
            "nothing changes"
        )
    if row.finds is not None:
        assert response.json is not None
        assert (job.id in [found["id"] for found in response.json["result"]]) == (role in row.finds)


def state_of(desk: Desk, job: Job) -> tuple[JobState, bool, bool, list[tuple[str, str]]]:
    now = desk.job(job.id)
    with desk.store.read() as tx:
        grants = [(grant.username, grant.permission) for grant in tx.jobs.grants(job.id)]
    return now.status, now.visible, now.cancel_requested, sorted(grants)


@pytest.mark.parametrize("operation", sorted(one for one in ROWS if "<job_id>" in one))
@pytest.mark.parametrize("user", [OWNER, OTHER, "admin"])
def test_a_job_that_does_not_exist_is_nobodys(shared_desk: Desk, operation: str, user: str) -> None:
    row = ROWS[operation]
    ghost = job_for(shared_desk, "stranger", row)
    with shared_desk.store.read() as tx:
        assert tx.jobs.get("elsewhere", ghost.id) is None
    path = operation.replace("<job_id>", "00000000-0000-4000-8000-000000000000-007")
    response = request(shared_desk, path, ghost, user, row)
    assert response.status_code == (400 if "puts/" in operation else 404), response.text


def test_jobs_of_another_world_are_not_there(shared_desk: Desk) -> None:
    job = job_for(shared_desk, "owner", ANYBODY)
    assert job.world == WORLD
    with shared_desk.store.write() as tx:
        tx.jobs.update(job.id, world="elsewhere")
    for operation in ("GET /jobs/v2/<job_id>", "DELETE /jobs/v2/<job_id>"):
        assert request(shared_desk, operation, job, "admin", ANYBODY).status_code == 404
