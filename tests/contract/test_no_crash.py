"""Whatever is asked of any route, by any verb: an answer in the service's form, and nothing breaks inside.

Every line of the route table is asked with paths, queries and bodies that are right, nearly right and
nonsense; they are the same in every run.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.api.dialect import Route
from emulator.api.v2.routes import routes
from emulator.app import Emulator
from tests.served import Api, course_document

pytestmark = pytest.mark.sample(3)

USER, OTHER = "student01", "testuser"
EXAMPLES = 12
"""Of requests to each route; set it to thousands to search for what nobody thought of."""
ODD = [
    "..",
    ".",
    "~",
    "a b",
    "a%b",
    "%2e%2e",
    "é\N{GRINNING FACE}",
    "a\x00b",
    "a\nb",
    "a\\b",
    "x" * 300,
    "-",
    "null",
]
FIELDS = sorted(
    {
        "action",
        "path",
        "username",
        "permission",
        "role",
        "recursive",
        "read",
        "canWrite",
        "id",
        "name",
        "version",
    }
    | {"appId", "type", "storage", "login", "queues", "executionType", "scheduler", "inputs", "parameters"}
    | {"archive", "archivePath", "archiveSystem", "notifications", "maxRunTime", "memoryPerNode", "nodeCount"}
    | {
        "deploymentSystem",
        "deploymentPath",
        "executionSystem",
        "templatePath",
        "testPath",
        "outputs",
        "default",
    }
    | {"maxJobs", "maxMemoryPerNode", "maxRequestedTime", "clientName", "tier", "urlToIngest", "fileName"}
    | {"grant_type", "password", "refresh_token", "token", "url", "event", "persistent", "policy", "status"}
    | {"client_id", "response_type", "redirect_uri", "code", "scope", "answer", "callbackUrl", "apiName"}
    | {"email", "first_name", "phone", "maxUses", "lifetime", "unlimited", "force", "method", "limit"}
)
WORDS = [
    "mkdir",
    "rename",
    "copy",
    "move",
    "hide",
    "cancel",
    "resubmit",
    "enable",
    "disable",
    "setDefault",
    "erase",
]
WORDS += [
    "READ",
    "ALL",
    "NONE",
    "USER",
    "OWNER",
    "GUEST",
    "*",
    "true",
    "-1",
    "1GB",
    "01:00:00",
    "STORAGE",
    "SLURM",
]
WORDS += [
    "password",
    "refresh_token",
    "authorization_code",
    "agave://tacc.corral/x",
    "http://[",
    USER,
    OTHER,
    "",
]
SEARCHED = [
    "id",
    "name",
    "status",
    "created",
    "nodecount",
    "archive",
    "runtime",
    "storage.protocol",
    "queues.maxjobs",
]
OPERATORS = [
    "eq",
    "neq",
    "lt",
    "gte",
    "in",
    "nin",
    "like",
    "nlike",
    "rlike",
    "on",
    "before",
    "between",
    "nothing",
]

words = st.sampled_from(WORDS) | st.sampled_from(ODD) | st.text(max_size=8)
numbers = st.sampled_from([0, -1, 1.5, 2**31, 2**63, 10**400, 1e308]) | st.integers()
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | words, inner, max_size=3)
    ),
    max_leaves=5,
)
documents = st.dictionaries(st.sampled_from(FIELDS), values, max_size=5)
plain = st.sampled_from(
    ["", "0", "-1", "007", "99999999999999999999", "1.5", "NaN", "None", "\x00", "x", "٣"]
)
moments = st.sampled_from(
    ["yesterday", "3 days ago", "2020-13-45", "0001-01-01", "9999-12-31", "-1", "1e99", ",", "a,b"]
)
searches = st.tuples(st.sampled_from(SEARCHED), st.sampled_from(OPERATORS)).map(".".join)
queries = st.lists(
    st.tuples(st.sampled_from(["limit", "offset"]), plain)
    | st.tuples(
        st.sampled_from(["pretty", "naked", "force", "recursive"]), st.sampled_from(["true", "x", ""])
    )
    | st.tuples(
        st.just("filter"), st.sampled_from(["id", "*", ",", ".", "a.b.c.d", "_links.self.href", "result.."])
    )
    | st.tuples(
        st.sampled_from(["order", "orderBy", "sort", "sortBy"]),
        st.sampled_from(["asc", "DESC", "id", "x", ""]),
    )
    | st.tuples(searches, plain | moments | st.sampled_from(["[", "(", "*", "%", "true", "FINISHED", "null"]))
    | st.tuples(st.sampled_from(["username", "username.eq", "permission", "email"]), words),
    max_size=3,
)
bodies = st.one_of(
    documents.map(lambda document: ("application/json", json.dumps(document).encode())),
    st.dictionaries(st.sampled_from(FIELDS), words, max_size=4).map(
        lambda form: ("application/x-www-form-urlencoded", urlencode(form).encode())
    ),
    st.tuples(st.sampled_from([*FIELDS, "fileToUpload"]), words, documents).map(
        lambda part: _multipart(*part)
    ),
    st.tuples(
        st.sampled_from(
            ["application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=B", ""]
        ),
        st.binary(max_size=30) | values.map(lambda value: json.dumps(value).encode()),
    ),
)
verbs = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])


def _multipart(name: str, filename: str, document: Any) -> tuple[str, bytes]:
    shown = re.sub(r'[\r\n"\\]', "_", filename)
    head = f'Content-Disposition: form-data; name="{name}"; filename="{shown}"\r\n\r\n'
    content = f"--B\r\n{head}{json.dumps(document)}\r\n--B--\r\n"
    return "multipart/form-data; boundary=B", content.encode("utf-8", "replace")


@dataclass(frozen=True)
class Ground:
    """What paths may name: things of the user's own, other people's, and what is everybody's."""

    api: Api
    job: str
    system: str
    execution: str
    app: str

    def segments(self, name: str) -> list[str]:
        """What may stand for ``<name>`` in a route."""
        own = {
            "job_id": [self.job],
            "system": [self.system, self.execution, "tacc.corral"],
            "app": [self.app, "classifier-1.0.0"],
            "username": [USER, OTHER, "world"],
            "queue": ["normal"],
            "term": ["name", "tag", "username"],
            "attribute": ["status", "name"],
            "name": ["tests"],
            "tenant": ["tacc.prod"],
        }
        tails = [
            "",
            "wrapper.sh",
            "predictions.txt",
            "status/FINISHED/name",
            "created.after/yesterday",
            "name",
        ]
        places = [
            "",
            "/",
            f"/system/{self.system}",
            f"/system/{self.system}/apps/a",
            f"/system/{self.system}//",
        ]
        places += ["/system/tacc.corral", f"/system/tacc.corral/{USER}/apps", "/system/", "/system/nowhere/x"]
        return own.get(name, []) + {"tail": tails, "below": places}.get(name, []) + ["nothing"]


@pytest.fixture(scope="module")
def grounds(emulator: Emulator) -> Iterator[Ground]:
    """The ground once more for each test: the tests before may have taken it away."""
    return _grounds(Api(emulator.url, USER))


def _grounds(api: Api) -> Iterator[Ground]:
    job = api.call(
        "POST",
        "jobs/v2",
        json={"name": "a", "appId": "classifier-1.0.0", "parameters": {"imagefile": "a.png"}},
    )
    api.wait_for_job(job["id"])
    for number in count():
        ground = _ground(api, job["id"], number)
        while _stands(ground):
            yield ground


def _ground(api: Api, job: str, number: int) -> Ground:
    system, execution, app = f"{USER}.{number}", f"{USER}.{number}.execution", f"{USER}.app{number}"
    api.call("POST", "systems/v2", json=course_document("storage-system.json") | {"id": system})
    api.call("POST", "systems/v2", json=course_document("execution-system.json") | {"id": execution})
    at = f"files/v2/media/system/{system}/"
    api.call("PUT", at, json={"action": "mkdir", "path": "apps/a/test"})
    for folder, name in (("apps/a", "wrapper.sh"), ("apps/a/test", "test.sh")):
        api.call("POST", at + folder, files={"fileToUpload": (name, b"echo")})
    places = {"deploymentSystem": system, "deploymentPath": "apps/a", "executionSystem": execution}
    api.call("POST", f"jobs/v2/{job}/unhide")
    made = api.call("POST", "apps/v2", json=course_document("app.json") | places | {"name": app})
    return Ground(api=api, job=job, system=system, execution=execution, app=made["id"])


def _stands(ground: Ground) -> bool:
    """Whether nobody has deleted, disabled or hidden any of it."""
    paths = [f"systems/v2/{ground.system}", f"systems/v2/{ground.execution}", f"apps/v2/{ground.app}"]
    found = [ground.api.request("GET", path).json().get("result", {}) for path in paths]
    test = f"files/v2/listings/system/{ground.system}/apps/a/test/test.sh"
    there = [ground.api.request("GET", path).status_code == 200 for path in (test, f"jobs/v2/{ground.job}")]
    return all(one.get("available") for one in found) and all(there)


def _paths(route: Route, ground: Ground) -> st.SearchStrategy[str]:
    """The route's path with something in each of its places, escaped as a client would, or not at all."""
    pieces = re.split(r"(<[^>]*>)", route.path)

    def piece(text: str) -> st.SearchStrategy[str]:
        if not text.startswith("<"):
            return st.just(text)
        kind, _, name = text.strip("<>").rpartition(":")
        known = st.sampled_from(ground.segments(kind if kind in ("tail", "below") else name))
        odd = st.sampled_from(ODD) if kind != "below" else st.sampled_from(ODD).map("/{}".format)
        return known | st.tuples(known, odd).map("/".join) | odd

    whole = st.tuples(*map(piece, pieces)).map("".join)
    return whole.map(lambda path: quote(path, safe="/")) | whole.map(lambda path: quote(path, safe="/%\\.~"))


@dataclass(frozen=True)
class Asked:
    """A request and its answer, as they went over the wire: no client has tidied the path."""

    verb: str
    target: str
    status: int
    headers: dict[str, str]
    body: bytes

    def check(self) -> None:
        """The envelope, a fault, OAuth's own documents, the bare result where asked for, or the bytes of a file."""
        assert self.status < 500 or self.status == 501, self
        naked = "naked=true" in self.target
        if not self.body:
            assert self.verb in ("HEAD", "OPTIONS") or naked or "revoke" in self.target, self
            return
        if self.status in (200, 206) and "Content-Disposition" in self.headers:
            return
        if self.headers["Content-Type"] == "application/x-pem-file":
            assert self.body.startswith(b"-----BEGIN PUBLIC KEY-----\n"), self
            return
        assert self.headers["Content-Type"].partition(";")[0] == "application/json", self
        document = json.loads(self.body)
        if not naked and not {"fault", "error", "access_token", "sub", "headers"} & set(document):
            assert document["status"] == ("success" if self.status < 400 else "error"), self
            assert isinstance(document["version"], str), self


def _ask(connection: HTTPConnection, token: str, verb: str, target: str, body: tuple[str, bytes]) -> Asked:
    headers = {"Authorization": token} | ({"Content-Type": body[0]} if body[0] else {})
    connection.request(verb, target, body[1] if verb not in ("GET", "HEAD", "OPTIONS") else None, headers)
    answer = connection.getresponse()
    return Asked(verb, target, answer.status, dict(answer.headers), answer.read())


ROUTES = {f"{route.methods} {route.path}": route for route in routes()}


@pytest.mark.parametrize("line", ROUTES)
def test_no_request_breaks_anything(
    grounds: Iterator[Ground], caplog: pytest.LogCaptureFixture, line: str
) -> None:
    ground, route = next(grounds), ROUTES[line]
    connection = HTTPConnection(ground.api.url.removeprefix("http://"), timeout=30)
    token = str(ground.api.session.headers["Authorization"])

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(route.methods.split()) | verbs, _paths(route, ground), queries, bodies)
    def ask(verb: str, path: str, query: list[tuple[str, str]], body: tuple[str, bytes]) -> None:
        _ask(connection, token, verb, f"{path}?{urlencode(query)}", body).check()

    ask()
    connection.close()
    broken = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert not broken
