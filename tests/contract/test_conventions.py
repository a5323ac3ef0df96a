"""What holds for every service: envelope, slashes, faults, bodies, CORS, TLS [conventions]."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
import requests

from emulator.api.v2.bodies import FILES_EMPTY, MAP_EMPTY
from emulator.app import Emulator
from tests.served import Api

JSON = "application/json; charset=UTF-8"
LISTINGS = ["systems/v2", "apps/v2", "jobs/v2", "profiles/v2", "notifications/v2", "files/v2/listings/"]


@pytest.mark.parametrize("path", LISTINGS)
def test_every_listing_answers_with_and_without_slashes(api: Api, path: str) -> None:
    plain = path.rstrip("/")
    for spelling in (plain, f"{plain}/", f"/{plain}", f"//{plain}"):
        answer = api.request("GET", spelling, allow_redirects=False)
        assert answer.status_code == 200, (spelling, answer.text)
        document = answer.json()
        assert list(document) == ["status", "message", "version", "result"]
        assert (document["status"], document["message"]) == ("success", None)


def test_answers_are_compact_unless_asked_to_be_pretty(api: Api) -> None:
    assert api.request("GET", "systems/v2").text.startswith('{"status":"success","message":null,"version":"2')
    pretty = api.request("GET", "systems/v2?pretty=TRUE&id=tacc.corral&filter=id,storage.proxy").text
    version = api.request("GET", "systems/v2").json()["version"]
    assert pretty == (
        '{\n  "status" : "success",\n  "message" : null,\n  "version" : "'
        + version
        + '",\n  "result" : [ {\n'
        '    "id" : "tacc.corral",\n    "storage" : {\n      "proxy" : null\n    }\n  } ]\n}'
    )
    assert api.request("GET", "systems/v2?pretty=true&naked=true&id=none").text == "[ ]"
    both = api.request("GET", "systems/v2?pretty=true&naked=true&filter=id").text
    assert both == '[ {\n  "id" : "tacc.stampede2"\n}, {\n  "id" : "tacc.corral"\n} ]'


def test_answers_say_that_they_are_json_in_utf_8(api: Api) -> None:
    for path in ("systems/v2", "systems/v2/none", "tenants", "systems/v2?naked=true", "nothing/v2"):
        assert api.request("GET", path).headers["Content-Type"] == JSON
    assert api.request("PATCH", "systems/v2").headers["Content-Type"] == JSON
    assert api.request("POST", "token").headers["Content-Type"] == "application/json"


def test_naked_answers_are_the_result_alone(api: Api) -> None:
    assert isinstance(api.request("GET", "systems/v2?naked=true").json(), list)
    refused = api.request("GET", "systems/v2/no-such-system?naked=true")
    assert (refused.status_code, refused.content) == (404, b"")


def test_filter_picks_fields_at_any_depth(api: Api) -> None:
    picked = api.call("GET", "systems/v2?filter=id,storage.host,_links.self.href,nothing")
    assert picked
    for system in picked:
        assert set(system) == {"id", "storage", "_links"}
        assert list(system["storage"]) == ["host"] and list(system["_links"]) == ["self"]
    assert api.call("GET", "systems/v2/tacc.corral?filter=id%2Cname") == {
        "id": "tacc.corral",
        "name": api.call("GET", "systems/v2/tacc.corral")["name"],
    }
    two = api.call("GET", "systems/v2/tacc.corral?filter=storage.host,storage.nothing")
    assert two["storage"]["nothing"] is None and two["storage"]["host"]
    assert api.call("GET", "systems/v2?filter=nothing") == []
    assert "storage" in api.call("GET", "systems/v2?filter=*")[0]


@pytest.mark.parametrize(
    ("path", "code"), [("nothing/v2", 404), ("jobs/v2/a/b/c/d/e", 900906), ("systems/v1", 900906), ("", 404)]
)
def test_unknown_paths_get_the_gateways_fault(api: Api, path: str, code: int) -> None:
    answer = api.request("GET", path)
    assert answer.status_code == 404
    assert answer.text.startswith(f'{{"fault":{{"code":{code},')


@pytest.mark.parametrize("path", ["jobs/v2", "systems/v2/tacc.corral", "tenants", "files/v2/listings/"])
def test_wrong_verbs_are_405_in_the_envelope(api: Api, path: str) -> None:
    assert "PATCH" in api.refused("PATCH", path, 405)
    assert "GET" in api.request("PATCH", path).headers["Allow"]


def test_browsers_may_call_from_anywhere(api: Api) -> None:
    headers = {"Origin": "http://gateway.example.org", "Access-Control-Request-Headers": "x-one, x-two"}
    answer = api.request("OPTIONS", "jobs/v2", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "x-one, x-two"
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
    assert api.request("GET", "nothing").headers["Access-Control-Allow-Origin"] == "*"


def test_one_port_speaks_plain_http_and_tls(emulator: Emulator) -> None:
    secure = emulator.url.replace("http://", "https://")
    requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]
    over_tls = requests.get(f"{secure}/tenants", verify=False, timeout=30).json()
    assert over_tls["result"][0]["baseUrl"] == f"{secure}/"
    assert requests.get(f"{emulator.url}/tenants", timeout=30).json()["status"] == "success"


BODIES = [
    (b"", None),
    (b"{", "Invalid JSON found. "),
    (b"[1, 2", "Invalid JSON found. "),
    (b"\xff\xfe{}", "Invalid JSON found. "),
    (b'{"a": NaN}', "Invalid JSON found. "),
    (b"[" * 100_000, "Invalid JSON found. "),
    (b"null", None),
    (b'"text"', None),
    (b"[]", None),
    (b"{}", "No content found."),
    (b"\x00", None),
]
WRITES = [
    ("POST", "systems/v2"),
    ("POST", "systems/v2/tacc.corral"),
    ("PUT", "systems/v2/tacc.corral"),
    ("POST", "systems/v2/tacc.corral/roles"),
    ("POST", "apps/v2"),
    ("PUT", "apps/v2/classifier-1.0.0"),
    ("POST", "apps/v2/classifier-1.0.0/pems"),
    ("POST", "jobs/v2"),
    ("PUT", "files/v2/media/system/tacc.corral/"),
    ("POST", "files/v2/pems/system/tacc.corral/"),
    ("POST", "clients/v2"),
    ("POST", "token"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"]
)
@pytest.mark.parametrize(("body", "text"), BODIES)
def test_no_body_however_odd_breaks_an_operation(
    api: Api, method: str, path: str, content_type: str, body: bytes, text: str | None
) -> None:
    answer = api.request(method, path, data=body, headers={"Content-Type": content_type})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == ("application/json" if path == "token" else JSON)
    document = answer.json()
    if (
        text is not None
        and content_type == "application/json"
        and path.endswith("/v2")
        and path != "clients/v2"
    ):
        assert document["message"].startswith(text)


MAPS = {
    ("PUT", "systems/v2/tacc.corral"): MAP_EMPTY,
    ("POST", "systems/v2/tacc.corral/roles"): MAP_EMPTY,
    ("PUT", "apps/v2/classifier-1.0.0"): FILES_EMPTY,
    ("POST", "apps/v2/classifier-1.0.0/pems"): FILES_EMPTY,
    ("PUT", "files/v2/media/system/tacc.corral/"): FILES_EMPTY,
    ("POST", "files/v2/pems/system/tacc.corral/testuser"): FILES_EMPTY,
}


@pytest.mark.parametrize(("method", "path"), MAPS)
def test_bodies_that_hold_no_fields(api: Api, method: str, path: str) -> None:
    def refusal(body: bytes, content_type: str) -> str:
        return api.refused(method, path, 400, data=body, headers={"Content-Type": content_type})

    assert refusal(b"", "application/json") == refusal(b" \n", "") == MAPS[method, path]
    unsupported = (
        "Unsupported content type. Please send your request as a multipart/form-data file upload or as "
    )
    assert refusal(b"<a/>", "text/plain").startswith(unsupported)
    unreadable = "Failed to parse file upload. Please make sure you included a file in your POST request."
    assert refusal(b"--b\r\n", "multipart/form-data; boundary=b") == unreadable
    assert refusal(b"x", "multipart/form-data") == unreadable


LENIENT = """// a comment
{action: 'mkdir', /* another, with "quotes": */ 'path': "it's // no comment \\" 'ere", append: false}
"""


def test_json_as_people_write_it(api: Api) -> None:
    home = "files/v2/media/system/tacc.corral/testuser"
    headers = {"Content-Type": "application/json"}
    made = api.call("PUT", home, 201, data=LENIENT, headers=headers)
    assert made["name"] == """it's // no comment " 'ere""".rpartition("/")[2]
    for broken in (
        "{action: 'mkdir, path: 'x'}",
        "{action: mkdir}",
        "{'a': 'b'}}",
        "/* {}",
        "{'a\nb': 1}",
        "{a 1}",
    ):
        assert api.refused("PUT", home, 400, data=broken, headers=headers).startswith("Invalid JSON found. ")


def test_a_huge_body_is_refused_before_it_is_read(api: Api) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"name": "'
        for _ in range(100):
            yield b"x" * 1024 * 1024
        yield b'"}'

    before = api.call("GET", "jobs/v2")
    try:
        assert "larger than" in api.refused("POST", "jobs/v2", 413, data=chunks())
    except requests.ConnectionError:
        # the server answers and closes while the client is still sending; then the client may not see the answer
        assert "larger than" in _answer_to_announced_body(api)
    assert "larger than" in _answer_to_announced_body(api)
    assert api.call("GET", "jobs/v2") == before


def _answer_to_announced_body(api: Api) -> str:
    """What the server says to 100 MB that are announced and never sent."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST /jobs/v2 HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall((head + "Content-Length: 104857600\r\n\r\n").encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            if b"}" in piece:
                break
    assert answer.startswith(b"HTTP/1.1 413 ")
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["message"])


@pytest.mark.parametrize(
    ("method", "path", "kind", "text"),
    [
        ("POST", "meta/v2/data", "application/json", '{"name": "large", "value": 1}'),
        ("POST", "meta/v2/data", "application/x-www-form-urlencoded", "name=large&value=1&x="),
        ("POST", "token", "application/x-www-form-urlencoded", "grant_type=password&x="),
        (
            "POST",
            "files/v2/media/system/tacc.corral/testuser",
            "application/json",
            '{"urlToIngest": "http://x/"}',
        ),
        ("POST", "_emulator/worlds/default/scenarios", "application/yaml", "name: large\nrules: []\n"),
        ("PUT", "_emulator/worlds/default/clock", "application/json", "{}"),
    ],
)
def test_a_huge_body_in_chunks_is_refused_and_not_cut(
    api: Api, method: str, path: str, kind: str, text: str
) -> None:
    """What comes before the limit would do."""
    pieces = [text.encode(), *([b" " * 1024 * 1024] * 10), b"}"]
    answer = api.request(method, path, data=iter(pieces), headers={"Content-Type": kind})
    assert answer.status_code == 413, answer.text
    assert api.call("GET", "meta/v2/data") == []


@pytest.mark.parametrize(
    "query", ["limit=x", "limit=-5", "limit=99999999999999", "offset=-1", "offset=%00", "limit="]
)
@pytest.mark.parametrize("path", LISTINGS)
def test_bad_paging_falls_back(api: Api, path: str, query: str) -> None:
    assert isinstance(api.call("GET", f"{path}?{query}"), list)


def test_health_tells_what_is_under_way(api: Api) -> None:
    health = api.request("GET", "_emulator/health").json()
    assert health["status"] == "ok"
    assert set(health) == {"status", "version", "activeJobs", "waitingMessages"}
