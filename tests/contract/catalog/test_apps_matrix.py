"""Role × operation × status on apps, without a hole [apps §4-§9]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.services.app_actions import ACTIONS
from tests.catalog import ADMIN, APP, OTHER, OWNER, STORAGE, Catalog, changed
from tests.contract.catalog.access import STRANGER, Cells, Request, Table, routed, rows_without_action

pytestmark = pytest.mark.sample(4)

# private: the owner, who was granted one right, or all with and without PUBLISHER on the execution system, nobody
# in particular, the tenant's administrator; a public app's owner, everybody else, the administrator; a disabled
# private app's; a disabled public app's
TABLE = Table("""
owner read write execute all publisher stranger tenant p-owner p-anybody p-tenant d-owner d-read x-owner x-tenant
GET                           | 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
POST a new name               | 201 403 403 403 403 201 403 201 201 403 201 201 403 201 201
POST its name                 | 200 403 403 403 403 200 403 200 200 403 200 200 403 200 200
GET /<term>/<value>           | 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET /<app>                    | 200 200 403 403 200 200 403 200 200 200 200 200 200 404 200
POST /<app>                   | 200 403 403 403 403 200 403 200 403 403 403 200 403 403 403
DELETE /<app>                 | 200 403 200 403 200 200 403 200 403 403 200 200 403 403 200
GET /<app>/form               | 200 200 403 403 200 200 403 200 200 200 200 200 200 404 200
GET /<app>/history            | 200 200 403 403 200 200 403 200 200 200 200 200 200 404 200
GET /<app>/history/<event>    | 200 200 403 403 200 200 403 200 200 200 200 200 200 404 200
GET /<app>/pems               | 200 200 403 403 200 200 403 200 501 501 501 200 200 501 501
POST /<app>/pems              | 201 403 403 403 403 201 403 201 501 501 501 201 403 501 501
DELETE /<app>/pems            | 200 403 200 403 200 200 403 200 501 501 501 200 403 501 501
GET /<app>/pems/<username>    | 200 200 403 403 200 200 403 200 501 501 501 200 200 501 501
POST /<app>/pems/<username>   | 201 403 403 403 403 201 403 201 501 501 501 201 403 501 501
DELETE /<app>/pems/<username> | 200 403 200 403 200 200 403 200 501 501 501 200 403 501 501
PUT /<app> publish            | 403 403 403 403 403 403 403 202 403 403 400 403 403 404 400
PUT /<app> clone              | 202 400 403 403 400 202 403 202 202 400 202 202 400 404 202
PUT /<app> enable             | 200 403 200 403 200 200 403 200 403 403 200 200 403 404 200
PUT /<app> disable            | 200 403 200 403 200 200 403 200 403 403 200 200 403 404 200
PUT /<app> erase              | 403 403 403 403 403 403 403 200 403 403 200 403 403 404 200
PUT /<app> unpublish          | 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
""")
AT = "/apps/v2/{id}"


def body(app: str) -> dict[str, Any]:
    return changed(APP, name=app.partition("-")[0])


def action(name: str, /, **rest: Any) -> Request:
    return Request(
        "PUT",
        AT,
        lambda subject: (
            {"action": name} | {k: v.format(id=subject.replace("-", "")) for k, v in rest.items()}
        ),
    )


REQUESTS = {
    "GET": Request("GET", "/apps/v2"),
    "POST a new name": Request("POST", "/apps/v2", lambda app: changed(APP, name=f"{app}.new")),
    "POST its name": Request("POST", "/apps/v2", body),
    "GET /<term>/<value>": Request("GET", "/apps/v2/name/{id}"),
    "GET /<app>": Request("GET", AT),
    "POST /<app>": Request("POST", AT, body),
    "DELETE /<app>": Request("DELETE", AT),
    "GET /<app>/form": Request("GET", f"{AT}/form"),
    "GET /<app>/history": Request("GET", f"{AT}/history"),
    "GET /<app>/history/<event>": Request("GET", f"{AT}/history/{{event}}"),
    "GET /<app>/pems": Request("GET", f"{AT}/pems"),
    "POST /<app>/pems": Request("POST", f"{AT}/pems", lambda _: {"username": OTHER, "permission": "READ"}),
    "DELETE /<app>/pems": Request("DELETE", f"{AT}/pems"),
    "GET /<app>/pems/<username>": Request("GET", f"{AT}/pems/{OWNER}"),
    "POST /<app>/pems/<username>": Request("POST", f"{AT}/pems/{OTHER}", lambda _: {"permission": "READ"}),
    "DELETE /<app>/pems/<username>": Request("DELETE", f"{AT}/pems/{OTHER}"),
    "PUT /<app> publish": action("publish"),
    "PUT /<app> clone": action("clone", name="{id}.clone"),
    "PUT /<app> enable": action("enable"),
    "PUT /<app> disable": action("disable"),
    "PUT /<app> erase": action("erase"),
    "PUT /<app> unpublish": action("unpublish"),
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cells]:
    """Everybody has a storage system by default; the execution system is public and lets ``publisher`` publish."""
    people = ("read", "write", "execute", "all", "publisher", STRANGER)
    made = Cells(tmp_path_factory.mktemp("cells"), iter(people))
    made.add_app_material()
    made.post("/systems/v2/cluster/roles", {"username": "publisher", "role": "PUBLISHER"})
    made.post("/systems/v2/data.storage/roles", {"username": "publisher", "role": "GUEST"})
    made.post("/systems/v2", changed(STORAGE, id="public.storage"), user=ADMIN)
    for name in ("cluster", "public.storage"):
        made.as_admin(f"/systems/v2/{name}", action="publish")
    made.as_admin("/systems/v2/public.storage", action="setGlobalDefault")
    yield made
    made.close()


def subject(cells: Cells, person: str) -> tuple[str, str]:
    """An app in the state that a column speaks of, and the user who comes to it."""
    name = cells.next("m")
    at = f"/apps/v2/{name}-1.00"
    cells.post("/apps/v2", changed(APP, name=name))
    state, _, who = person.rpartition("-")
    user = {"owner": OWNER, "tenant": ADMIN, "anybody": STRANGER}.get(who, who)
    if who in ("read", "write", "execute", "all", "publisher"):
        word = "ALL" if who == "publisher" else who
        cells.post(f"{at}/pems", {"username": who, "permission": word})
    if state in ("p", "x"):
        public = cells.put(at, {"action": "publish"}, user=ADMIN, status=202)
        at = f"/apps/v2/{public['id']}"
    if state in ("d", "x"):
        cells.as_admin(at, action="disable")
    return at.rpartition("/")[2], user


def attempt(cells: Cells, request: Request, person: str) -> int:
    app, user = subject(cells, person)
    path = request.path
    if "{event}" in path:
        event = cells.get(f"/apps/v2/{app}/history", user=ADMIN)[0]["id"]
        path = path.replace("{event}", event)
    return cells.status(Request(request.method, path, request.body), app, user)


@pytest.mark.parametrize("operation", TABLE.rows)
def test_everybody_is_answered_as_the_table_says(cells: Cells, operation: str) -> None:
    found = {person: attempt(cells, REQUESTS[operation], person) for person in TABLE.people}
    assert found == TABLE.rows[operation]


def test_the_table_has_every_route_and_action() -> None:
    assert rows_without_action(TABLE) == routed("/apps/v2")
    assert set(REQUESTS) == set(TABLE.rows)
    actions = {row.split()[2].upper() for row in TABLE.rows if row.startswith("PUT /<app> ")}
    assert actions == {*ACTIONS.split(","), "UNPUBLISH"}


def test_without_credentials_nobody_is_served_where_they_are_needed(tmp_path: Path) -> None:
    closed = Catalog(tmp_path, anonymous=False)
    try:
        for request in REQUESTS.values():
            path = request.path.replace("{id}", "wc-1.00").replace("{event}", "e")
            for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic dTpw"}):
                answer = closed.http.open(path, method=request.method, headers=headers)
                assert (answer.status_code, "fault" in answer.get_json()) == (401, True), path
    finally:
        closed.close()
