"""The coverage table against what is really there: the clients' lists, the routes, the answers, the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jinja2 import Template

from emulator.api.v2 import coverage
from emulator.api.v2.coverage.operation import Operation, State
from emulator.api.v2.coverage.routing import REFUSES, route_of, sample
from emulator.api.v2.routes import routes
from emulator.cli import main
from tests import coverage_page
from tests.real.clients import Clients
from tests.served import Api

OPERATIONS = coverage.operations()
MISSING = [each for each in OPERATIONS if each.state is State.NOT_IMPLEMENTED]


@dataclass(frozen=True)
class Listed:
    """An operation of agavepy's resource files."""

    service: str
    name: str
    verb: str
    path: str


def test_no_operation_twice() -> None:
    names = Counter(each.name for each in OPERATIONS)
    requests = Counter((verb, _plain(path)) for each in OPERATIONS for verb, path in _requests(each))
    assert [name for name, times in names.items() if times > 1] == []
    assert [request for request, times in requests.items() if times > 1] == []


def test_every_difference_has_a_reason() -> None:
    silent = [
        each.name for each in OPERATIONS if each.state is not State.IMPLEMENTED and not each.differences
    ]
    assert silent == [], "say what is missing, and why"
    halves = [
        each.name for each in OPERATIONS for found in each.differences if not found.what or not found.why
    ]
    assert halves == []


def test_agavepys_list_is_covered(clients: Clients) -> None:
    listed = list(_agavepys(clients))
    assert len({(each.service, each.name) for each in listed}) > 131
    rows = {(verb, _plain(path)): each for each in OPERATIONS for verb, path in _requests(each)}
    unknown = [each for each in listed if (each.verb, _plain(each.path)) not in rows]
    assert unknown == [], "operations of agavepy without a row"
    by_name: dict[str, set[tuple[str, str]]] = {}
    for each in listed:
        by_name.setdefault(f"{each.service}.{each.name}", set()).add((each.verb, _plain(each.path)))
    wrong = [
        row.name
        for row in OPERATIONS
        if row.name in by_name
        and not by_name[row.name] & {(verb, _plain(path)) for verb, path in _requests(row)}
    ]
    assert wrong == [], "rows with a name that agavepy uses for another operation"


def test_rows_and_routes_agree() -> None:
    asked = [
        (each, verb, path, route_of(verb, path)) for each in OPERATIONS for verb, path in _requests(each)
    ]
    there = [found for found in asked if found[0].state is not State.NOT_IMPLEMENTED]
    without = [f"{row.name}: {verb} {path}" for row, verb, path, route in there if route is None]
    assert without == [], "rows that say they are implemented, and no route answers"
    taken = [
        f"{row.name}: {verb} {path}"
        for row, verb, path, route in asked
        if row.state is State.NOT_IMPLEMENTED and route is not None
    ]
    assert taken == [], "rows that say they are not implemented, and a route answers"
    reached = {(verb, route.path) for _, verb, _, route in there if route is not None}
    unlisted = [
        f"{verb} {route.path}"
        for route in routes()
        for verb in route.methods.split()
        if verb != "HEAD" and route.handler.__name__ != REFUSES and (verb, route.path) not in reached
    ]
    assert unlisted == [], "routes that no row names"


@pytest.mark.parametrize("service", sorted({each.service for each in MISSING}))
def test_what_is_missing_answers_501_and_names_its_row(api: Api, service: str) -> None:
    for operation in MISSING:
        if operation.service != service:
            continue
        for verb, path in _requests(operation):
            message = api.refused(verb, sample(path), 501)
            assert operation.name in message
            assert operation.differences[0].what in message
            api.refused(verb, sample(path) + "/", 501)


def test_served(api: Api) -> None:
    document = api.request("GET", "_emulator/coverage").json()
    assert [each["name"] for each in document["operations"]] == [each.name for each in OPERATIONS]
    assert sum(document["counts"]["jobs"].values()) == len(_of("jobs"))
    some = api.request("GET", "_emulator/coverage?service=monitors&state=not%20implemented").json()
    assert {each["service"] for each in some["operations"]} == {"monitors"}
    assert len(some["operations"]) == len([each for each in MISSING if each.service == "monitors"])


def test_printed() -> None:
    shown = CliRunner().invoke(main, ["coverage", "--service", "jobs"])
    assert shown.exit_code == 0
    assert all(each.name in shown.output and each.path in shown.output for each in _of("jobs"))
    assert shown.output.splitlines()[-1].startswith(f"{len(_of('jobs'))} operations: ")
    data = json.loads(CliRunner().invoke(main, ["coverage", "--json"]).output)
    assert data == [coverage.as_document(each) for each in OPERATIONS]


def test_the_page_is_what_the_table_says() -> None:
    written = coverage_page.PAGE.read_text(encoding="utf-8")
    assert written == coverage_page.page(), "python -m tests.coverage_page writes it anew"


def test_a_start_does_not_load_the_table() -> None:
    program = "import sys, emulator.app; print([m for m in sys.modules if 'coverage' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _of(service: str) -> list[Operation]:
    return [each for each in OPERATIONS if each.service == service]


def _requests(operation: Operation) -> Iterator[tuple[str, str]]:
    for verb in operation.verbs.split():
        for path in operation.paths:
            yield verb, path


def _plain(path: str) -> str:
    """A path without the names of its variables and its last slash."""
    return re.sub(r"\{\w+\}", "{}", path).rstrip("/")


def _agavepys(clients: Clients) -> Iterator[Listed]:
    """What the installed agavepy lists: the file of its old releases and the templates of the new ones."""
    found = next(clients.root.glob("lib/python*/site-packages/agavepy"))
    templates = sorted((found / "resources").glob("api_*.json.j2"))
    assert templates, f"no resources in {found}"
    for path in [found / "resources.json", *templates]:
        for api in _resources(path)["apis"]:
            for entry in api["api_declaration"]["apis"]:
                for operation in entry["operations"]:
                    yield Listed(api["name"], operation["nickname"], operation["method"], entry["path"])


def _resources(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".j2":
        text = Template(text).render(api_server_base="localhost", tenant_id="tacc.prod")
    return json.loads(text)
