"""Role × operation × status on systems, without a hole [systems §5-§11]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.catalog import ADMIN, EXECUTION, OWNER, STORAGE, Catalog, changed
from tests.contract.catalog.access import STRANGER, Cells, Request, Table, routed, rows_without_action

pytestmark = pytest.mark.sample(4)

# private: the owner, the explicit roles, nobody in particular, the tenant's administrator; a public system's
# owner, everybody else, those whom ``world``:GUEST lets only read, the administrator; a disabled private system's
TABLE = Table("""
owner admin publisher user guest stranger tenant p-owner p-anybody p-reader p-tenant d-owner d-user d-stranger d-tenant
GET                                        | 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
POST a new id                              | 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201
POST its id                                | 201 201 403 403 403 403 201 403 403 403 403 400 400 400 400
PUT                                        | 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
DELETE                                     | 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
GET /<system>                              | 200 200 200 200 200 403 200 200 200 200 200 200 200 404 200
POST /<system>                             | 200 200 403 403 403 403 200 403 403 403 403 400 400 400 400
DELETE /<system>                           | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
GET /<system>/history                      | 200 200 200 200 200 403 200 200 200 200 200 200 200 403 200
GET /<system>/history/<event>              | 200 200 200 200 200 403 200 200 200 200 200 200 200 403 200
GET /<system>/queues                       | 200 200 200 200 200 403 200 200 200 400 200 200 200 403 200
POST /<system>/queues                      | 200 200 403 403 403 403 200 501 403 400 501 200 403 403 200
GET /<system>/queues/<queue>               | 200 200 200 200 200 403 200 200 200 400 200 200 200 403 200
POST /<system>/queues/<queue>              | 200 200 403 403 403 403 200 501 403 400 501 200 403 403 200
DELETE /<system>/queues/<queue>            | 200 200 403 403 403 403 200 501 403 400 501 200 403 403 200
GET /<system>/roles                        | 200 200 200 200 200 403 200 200 200 200 200 200 200 403 200
POST /<system>/roles                       | 201 201 403 403 403 403 201 501 501 501 201 400 400 400 400
DELETE /<system>/roles                     | 200 200 403 403 403 403 200 501 501 501 501 400 400 400 400
GET /<system>/roles/<username> another's   | 200 200 403 403 403 403 200 200 403 403 200 200 403 403 200
GET /<system>/roles/<username> one's own   | 200 200 200 200 200 404 200 200 200 200 200 200 200 404 200
POST /<system>/roles/<username>            | 201 201 403 403 403 403 201 501 501 501 201 400 400 400 400
DELETE /<system>/roles/<username>          | 200 200 403 403 403 403 200 501 501 501 501 400 400 400 400
GET /<system>/credentials                  | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
POST /<system>/credentials                 | 201 201 403 403 403 403 201 403 403 403 201 201 403 403 201
DELETE /<system>/credentials               | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
GET /<system>/credentials/<user>           | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
POST /<system>/credentials/<user>          | 201 201 403 403 403 403 201 403 403 403 201 201 403 403 201
DELETE /<system>/credentials/<user>        | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
GET /<system>/credentials/<user>/<part>    | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
POST /<system>/credentials/<user>/<part>   | 201 201 403 403 403 403 201 403 403 403 201 201 403 403 201
DELETE /<system>/credentials/<user>/<part> | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
PUT /<system> publish                      | 403 403 403 403 403 403 200 403 403 403 400 403 403 403 200
PUT /<system> unpublish                    | 403 403 403 403 403 403 400 403 403 403 200 403 403 403 400
PUT /<system> setDefault                   | 200 200 200 200 403 403 200 200 200 403 200 400 400 403 400
PUT /<system> unsetDefault                 | 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
PUT /<system> setGlobalDefault             | 403 403 403 403 403 403 400 403 403 403 200 403 403 403 400
PUT /<system> unsetGlobalDefault           | 403 403 403 403 403 403 400 403 403 403 400 403 403 403 400
PUT /<system> enable                       | 200 200 403 403 403 403 200 403 403 403 200 200 403 403 200
PUT /<system> disable                      | 200 200 403 403 403 403 200 403 403 403 200 400 403 403 400
PUT /<system> erase                        | 403 403 403 403 403 403 200 403 403 403 400 403 403 403 200
PUT /<system> dance                        | 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
PUT /<system> clone                        | 200 200 200 200 200 403 200 200 200 200 200 200 200 403 200
""")
AUTH = {"type": "PASSWORD", "username": "u", "password": "p"}


def body(system_id: str, **changes: Any) -> dict[str, Any]:
    return changed(EXECUTION, id=system_id, **changes)


def action(name: str, **rest: Any) -> Request:
    return Request(
        "PUT",
        "/systems/v2/{id}",
        lambda subject: {"action": name, **{k: v.format(id=subject) for k, v in rest.items()}},
    )


AT = "/systems/v2/{id}"
REQUESTS = {
    "GET": Request("GET", "/systems/v2"),
    "POST a new id": Request("POST", "/systems/v2", lambda subject: body(f"{subject}-new")),
    "POST its id": Request("POST", "/systems/v2", body),
    "PUT": Request("PUT", "/systems/v2", lambda _: {"action": "enable"}),
    "DELETE": Request("DELETE", "/systems/v2"),
    "GET /<system>": Request("GET", AT),
    "POST /<system>": Request("POST", AT, body),
    "DELETE /<system>": Request("DELETE", AT),
    "GET /<system>/history": Request("GET", f"{AT}/history"),
    "GET /<system>/history/<event>": Request("GET", f"{AT}/history/{{event}}"),
    "GET /<system>/queues": Request("GET", f"{AT}/queues"),
    "POST /<system>/queues": Request("POST", f"{AT}/queues", lambda _: {"name": "more"}),
    "GET /<system>/queues/<queue>": Request("GET", f"{AT}/queues/normal"),
    "POST /<system>/queues/<queue>": Request("POST", f"{AT}/queues/normal", lambda _: {"maxJobs": 5}),
    "DELETE /<system>/queues/<queue>": Request("DELETE", f"{AT}/queues/normal"),
    "GET /<system>/roles": Request("GET", f"{AT}/roles"),
    "POST /<system>/roles": Request(
        "POST", f"{AT}/roles", lambda _: {"username": STRANGER, "role": "USER"}
    ),
    "DELETE /<system>/roles": Request("DELETE", f"{AT}/roles"),
    "GET /<system>/roles/<username> another's": Request("GET", f"{AT}/roles/{OWNER}"),
    "GET /<system>/roles/<username> one's own": Request("GET", f"{AT}/roles/{{me}}"),
    "POST /<system>/roles/<username>": Request(
        "POST", f"{AT}/roles/{STRANGER}", lambda _: {"role": "USER"}
    ),
    "DELETE /<system>/roles/<username>": Request("DELETE", f"{AT}/roles/{STRANGER}"),
    "GET /<system>/credentials": Request("GET", f"{AT}/credentials"),
    "POST /<system>/credentials": Request("POST", f"{AT}/credentials", lambda _: AUTH),
    "DELETE /<system>/credentials": Request("DELETE", f"{AT}/credentials"),
    "GET /<system>/credentials/<user>": Request("GET", f"{AT}/credentials/default"),
    "POST /<system>/credentials/<user>": Request("POST", f"{AT}/credentials/bob", lambda _: AUTH),
    "DELETE /<system>/credentials/<user>": Request("DELETE", f"{AT}/credentials/default"),
    "GET /<system>/credentials/<user>/<part>": Request(
        "GET", f"{AT}/credentials/default/storage"
    ),
    "POST /<system>/credentials/<user>/<part>": Request(
        "POST", f"{AT}/credentials/bob/storage", lambda _: AUTH
    ),
    "DELETE /<system>/credentials/<user>/<part>": Request(
        "DELETE", f"{AT}/credentials/default/storage"
    ),
    **{
        f"PUT /<system> {name}": action(name)
        for name in (
            "publish", "unpublish", "setDefault", "unsetDefault", "setGlobalDefault", "unsetGlobalDefault",
            "enable", "disable", "erase", "dance",
        )
    },
    "PUT /<system> clone": action("clone", id="{id}-clone"),
}  # fmt: skip


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cells]:
    people = ("admin-role", "publisher", "user", "guest", STRANGER)
    made = Cells(tmp_path_factory.mktemp("cells"), iter(people))
    yield made
    made.close()


def subject(cells: Cells, person: str) -> tuple[str, str]:
    """A system in the state that a column speaks of, and the user who comes to it."""
    system = cells.next("m")
    reader = person == "p-reader"
    cells.post("/systems/v2", changed(STORAGE, id=system) if reader else body(system))
    at = f"/systems/v2/{system}"
    state, _, name = person.rpartition("-")
    user = {
        "owner": OWNER,
        "tenant": ADMIN,
        "anybody": STRANGER,
        "reader": STRANGER,
        "admin": "admin-role",
    }.get(name, name)
    if name in ("admin", "publisher", "user", "guest"):
        cells.post(f"{at}/roles", {"username": user, "role": name})
    if state == "p":
        cells.as_admin(at, action="publish")
    if reader:
        cells.post(f"{at}/roles", {"username": "world", "role": "GUEST"}, user=ADMIN)
    if state == "d":
        cells.delete(at)
    return system, user


def attempt(cells: Cells, request: Request, person: str) -> int:
    system, user = subject(cells, person)
    path = request.path.replace("{me}", user)
    if "{event}" in path:
        event = cells.get(f"/systems/v2/{system}/history", user=ADMIN)[0]["id"]
        path = path.replace("{event}", event)
    return cells.status(Request(request.method, path, request.body), system, user)


@pytest.mark.parametrize("operation", TABLE.rows)
def test_everybody_is_answered_as_the_table_says(cells: Cells, operation: str) -> None:
    found = {person: attempt(cells, REQUESTS[operation], person) for person in TABLE.people}
    assert found == TABLE.rows[operation]


def test_the_table_has_every_route_and_action(cells: Cells) -> None:
    assert rows_without_action(TABLE) == routed("/systems/v2")
    assert set(REQUESTS) == set(TABLE.rows)
    actions = {row.split()[2].lower() for row in TABLE.rows if row.startswith("PUT /<system> ")}
    assert actions == {*cells.systems.actions.names, "dance"}


def test_without_credentials_nobody_is_served_where_they_are_needed(tmp_path: Path) -> None:
    closed = Catalog(tmp_path, anonymous=False)
    try:
        for request in REQUESTS.values():
            path = request.path.replace("{id}", "cluster").replace("{event}", "e").replace("{me}", OWNER)
            for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic dTpw"}):
                answer = closed.http.open(path, method=request.method, headers=headers)
                assert (answer.status_code, "fault" in answer.get_json()) == (401, True), path
    finally:
        closed.close()
