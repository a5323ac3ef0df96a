"""Postits made, listed, changed and revoked [postits §A]."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.app import Emulator
from tests.contract.accounts.signing_in import Later
from tests.contract.postits.conftest import FILE
from tests.served import Api, served

KEYS = {
    *("postit", "url", "creator", "createdAt", "expiresAt", "created", "expires", "remainingUses"),
    *("numberUsed", "tenantId", "status", "internalUsername", "noauth", "method", "_links"),
}


def make(api: Api, url: str = "", **fields: Any) -> dict[str, Any]:
    body = {"url": url or f"{api.url}/{FILE}"} | fields
    made: dict[str, Any] = api.call("POST", "postits/v2", 201, json=body)
    return made


def lifetime(postit: dict[str, Any]) -> float:
    created, expires = (datetime.fromisoformat(postit[name]) for name in ("createdAt", "expiresAt"))
    return (expires - created).total_seconds()


def test_a_postit_has_the_newer_keys_and_those_of_the_older_service(student: Api, emulator: Emulator) -> None:
    postit = make(student)
    assert set(postit) == KEYS
    key = postit["postit"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}-010", key)
    assert postit["url"] == f"{emulator.url}/{FILE}"
    assert (postit["creator"], postit["tenantId"], postit["status"]) == ("student01", "tacc.prod", "ACTIVE")
    assert (postit["remainingUses"], postit["numberUsed"], postit["method"]) == (1, 0, "GET")
    assert postit["noauth"] is False and postit["internalUsername"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[56]:00", postit["createdAt"])
    assert (postit["created"], postit["expires"]) == (postit["createdAt"], postit["expiresAt"])
    assert lifetime(postit) == pytest.approx(2592000, abs=3601)  # summer time may begin or end within
    assert postit["_links"] == {
        "self": {"href": f"{emulator.url}/postits/v2/{key}"},
        "profile": {"href": f"{emulator.url}/profiles/v2/student01"},
        "file": {"href": postit["url"]},
        "update": {"href": f"{emulator.url}/postits/v2/update/{key}"},
        "list": {"href": f"{emulator.url}/postits/v2/listing/{key}"},
    }
    assert student.call("GET", f"postits/v2/listing/{key}") == postit


@pytest.mark.parametrize(
    ("fields", "uses", "seconds"),
    [
        ({"maxUses": 10, "lifetime": 600}, 10, 600),
        ({"maxUses": "10", "lifetime": "600"}, 10, 600),
        ({"maxUses": -1, "lifetime": 60}, -1, 60),
        ({"maxUses": "-1", "method": "GET", "noauth": True}, -1, 2592000),
        ({"unlimited": True, "maxUses": 3}, -1, 2592000),
        ({"unlimited": "True"}, -1, 2592000),
        ({"unlimited": "false", "force": False, "internalUsername": "x", "method": "post"}, 1, 2592000),
        ({"maxUses": None, "lifetime": None, "unlimited": None, "method": None}, 1, 2592000),
    ],
)
def test_limits_in_every_spelling(student: Api, fields: dict[str, Any], uses: int, seconds: int) -> None:
    for postit in (
        make(student, **fields),
        student.call(
            "POST",
            "postits/v2/",
            201,
            data={"url": f"{student.url}/{FILE}"} | {n: v for n, v in fields.items() if v is not None},
        ),
    ):
        assert (postit["remainingUses"], postit["status"]) == (uses, "ACTIVE")
        assert lifetime(postit) == pytest.approx(seconds, abs=3601 if seconds > 9999 else 1)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("{url}/files/v2/media/system/s//a b/c", "files/v2/media/system/s//a%20b/c"),
        ("{url}/files/v2/media/system/s//a%20b/%C3%A9é", "files/v2/media/system/s//a%20b/%C3%A9%C3%A9"),
        ("{url}/files/v2/media/system/s/a%2Fb%25", "files/v2/media/system/s/a%2Fb%25"),
        ("href:{url}/jobs/v2/x", "jobs/v2/x"),
        ("{url}//jobs//v2/x", "jobs/v2/x"),
        ("{glued}jobs/v2/x", "jobs/v2/x"),
        ("{https}/apps/v2/a-1", "apps/v2/a-1"),
        ("{https}//systems/v2", "systems/v2"),
        ("{upper}/apps/v2/a-1", "apps/v2/a-1"),
        ("{bare}/systems/v2?limit=1&filter=id", "systems/v2?limit=1&filter=id"),
        ("{loopback}/systems/v2#there", "systems/v2"),
        ("  {url}/systems/v2  ", "systems/v2"),
    ],
)
def test_urls_are_taken_as_clients_send_them(student: Api, emulator: Emulator, given: str, path: str) -> None:
    url = emulator.url
    host = url.removeprefix("http:")
    names = {
        "url": url,
        "glued": url,
        "https": f"https:{host}",
        "upper": f"HTTP:{host.upper()}",
        "bare": host,
    }
    names["loopback"] = url.replace("localhost", "127.0.0.1")
    postit = make(student, given.format(**names))
    assert postit["url"] == f"{url}/{path}"
    kind = {"files": "file", "jobs": "job", "apps": "app", "systems": "system"}[path.split("/")[0]]
    assert postit["_links"][kind] == {"href": postit["url"]}


def test_urls_below_the_configured_base_are_the_tenants(tmp_path: Path) -> None:
    with served(tmp_path, base_url="https://api.example.org/tapis") as emulator:
        api = Api(emulator.url)
        for url in ("https://api.example.org/tapis/jobs/v2", "http://api.example.org:443/tapis//jobs/v2"):
            assert make(api, url)["url"] == "https://api.example.org/tapis/jobs/v2"
        assert make(api, f"{emulator.url}/jobs/v2")["url"] == "https://api.example.org/tapis/jobs/v2"
        assert api.refused("POST", "postits/v2", 400, json={"url": "https://api.example.org/jobs/v2"})


FOREIGN = "Invalid URL. Only URLs from the tacc.prod tenant may be posted."
USES, LIFETIME = "Invalid value for max uses.", "Invalid value for token lifetime."
NO_FLAG = "Invalid value for {}. Please specify true or false."
METHOD = "Invalid http method. Supported methods are GET, PUT, POST, and DELETE."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"url": None}, "Bad request. No url specified."),
        ({"url": ""}, "Bad request. No url specified."),
        ({"url": 7}, "Bad url"),
        ({"url": ["{url}/jobs/v2"]}, "Bad url"),
        ({"url": "nonsense"}, "Bad url"),
        ({"url": "agave://tacc.corral/x"}, "Bad url"),
        ({"url": "ftp://localhost/files/v2/x"}, "Bad url"),
        ({"url": "{url}/jobs/v2/\x00"}, "Bad url"),
        ({"url": "{url}/jobs/v2/a\nb"}, "Bad url"),
        ({"url": "{url}\\jobs/v2"}, "Bad url"),
        ({"url": "{url}/jobs/v2/" + "x" * 2100}, "Bad url"),
        ({"url": "https://example.org/files/v2/media/x"}, FOREIGN),
        ({"url": "https://{host}.example.org/files/v2/x"}, FOREIGN),
        ({"url": "https://{host}@example.org/files/v2/x"}, FOREIGN),
        ({"url": "https://user@{host}/files/v2/x"}, FOREIGN),
        ({"url": "https://{host}0/files/v2/x"}, FOREIGN),
        ({"url": "{url}/profiles/v2/me"}, FOREIGN),
        ({"url": "{url}/postits/v2/x"}, FOREIGN),
        ({"url": "{url}/token"}, FOREIGN),
        ({"url": "{url}/_emulator/health"}, FOREIGN),
        ({"url": "{url}/jobs/v20"}, FOREIGN),
        ({"url": "{url}/jobs"}, FOREIGN),
        ({"url": "{url}"}, FOREIGN),
        ({"maxUses": 0}, USES),
        ({"maxUses": -2}, USES),
        ({"maxUses": "many"}, USES),
        ({"maxUses": 1.5}, USES),
        ({"maxUses": True}, USES),
        ({"maxUses": [1]}, USES),
        ({"maxUses": 2**31}, USES),
        ({"maxUses": "٣"}, USES),
        ({"lifetime": 0}, LIFETIME),
        ({"lifetime": -5}, LIFETIME),
        ({"lifetime": "soon"}, LIFETIME),
        ({"lifetime": 1e3}, LIFETIME),
        ({"lifetime": 10**9}, LIFETIME),
        ({"lifetime": 10**30}, LIFETIME),
        ({"lifetime": "9" * 5000}, LIFETIME),
        ({"unlimited": "perhaps"}, NO_FLAG.format("unlimited")),
        ({"unlimited": {}}, NO_FLAG.format("unlimited")),
        ({"force": 7}, NO_FLAG.format("force")),
        ({"method": "PATCH"}, METHOD),
        ({"method": 7}, METHOD),
    ],
)
def test_what_a_postit_cannot_be(student: Api, fields: dict[str, Any], message: str) -> None:
    before = len(student.call("GET", "postits/v2?status=ALL&limit=9999"))
    host = student.url.removeprefix("http://")
    body = {"url": "{url}/jobs/v2"} | fields
    if isinstance(body["url"], str):
        body["url"] = body["url"].replace("{url}", student.url).replace("{host}", host)
    assert student.refused("POST", "postits/v2", 400, json=body) == message
    assert len(student.call("GET", "postits/v2?status=ALL&limit=9999")) == before


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"{", b"\xff", b'"x"', b"url", b"[" * 500])
def test_a_body_that_says_nothing(student: Api, body: bytes) -> None:
    assert student.refused("POST", "postits/v2", 400, data=body)


def test_the_services_own_code_for_a_bad_method(tmp_path: Path) -> None:
    with served(tmp_path, faithful_5xx=True) as emulator:
        body = {"url": f"{emulator.url}/jobs/v2", "method": "PATCH"}
        assert Api(emulator.url).refused("POST", "postits/v2", 501, json=body) == METHOD


# listing


def test_the_list_shows_ones_own_by_their_status(emulator: Emulator, later: Later) -> None:
    own, other = Api(emulator.url, "student20"), Api(emulator.url, "student21")
    made = {
        "ACTIVE": make(own, lifetime=100_000),
        "EXPIRED": make(own, lifetime=10),
        "NO_USES": make(own, lifetime=100_000),
        "EXPIRED_AND_NO_USES": make(own, lifetime=10),
        "REVOKED": make(own),
    }
    keys = {status: postit["postit"] for status, postit in made.items()}
    for status in ("NO_USES", "EXPIRED_AND_NO_USES"):
        own.request("GET", f"postits/v2/{keys[status]}")
    own.call("DELETE", f"postits/v2/{keys['REVOKED']}")
    unlimited = make(own, lifetime=10, unlimited=True)["postit"]
    later(timedelta(seconds=60))
    for status, key in keys.items():
        shown = own.call("GET", f"postits/v2?status={status.lower()}")
        wanted = [unlimited, key] if status == "ACTIVE" else [key]
        assert [postit["postit"] for postit in shown] == wanted
        assert {postit["status"] for postit in shown} == {status}
        assert other.call("GET", f"postits/v2/listing/{key}")["status"] == status
    assert [p["postit"] for p in own.call("GET", "postits/v2")] == [unlimited, keys["ACTIVE"]]
    assert len(own.call("GET", "postits/v2/?status=ALL")) == 6
    assert len(own.call("GET", "postits/v2?status=ALL&limit=4")) == 4
    assert len(own.call("GET", "postits/v2?status=all&limit=4&offset=4")) == 2
    assert len(own.call("GET", "postits/v2?status=ALL&offset=x")) == 6
    assert other.call("GET", "postits/v2?status=ALL") == []


def test_bad_pages_and_statuses(student: Api) -> None:
    text = "Invalid limit value. limit must be a positive integer value"
    for limit in ("0", "-1", "x", "1.5", "", "9" * 30):
        assert student.refused("GET", f"postits/v2?limit={limit}", 400) == text
    assert student.refused("GET", "postits/v2?status=LOST", 400) == (
        "Invalid status value. Please specify one of: "
        "ACTIVE, EXPIRED_AND_NO_USES, EXPIRED, NO_USES, REVOKED, ALL"
    )


# changing


def test_an_update_sets_new_limits(student: Api) -> None:
    postit = make(student, maxUses=2, lifetime=60)
    update = f"postits/v2/update/{postit['postit']}"
    changed = student.call("POST", update, json={"maxUses": 100, "lifetime": 2000})
    assert (changed["remainingUses"], lifetime(changed)) == (100, pytest.approx(2000, abs=5))
    unlimited = student.call("POST", update, data={"unlimited": "true"})
    assert unlimited["remainingUses"] == -1
    # what it had comes back when it is limited again
    limited = student.call("POST", update, json={"unlimited": False})
    assert (limited["remainingUses"], limited["expiresAt"]) == (100, changed["expiresAt"])
    assert student.call("POST", update, json={"maxUses": "-1"})["remainingUses"] == -1
    assert student.call("POST", update, json={}) == student.call(
        "GET", f"postits/v2/listing/{postit['postit']}"
    )
    for body, message in (
        ({"maxUses": 0}, USES),
        ({"lifetime": "x"}, LIFETIME),
        ({"unlimited": 9}, NO_FLAG.format("unlimited")),
    ):
        assert student.refused("POST", update, 400, json=body) == message


def test_a_used_up_postit_lives_again_by_an_update(student: Api, later: Later) -> None:
    key = make(student, lifetime=10)["postit"]
    student.request("GET", f"postits/v2/{key}")
    later(timedelta(seconds=60))
    assert student.call("GET", f"postits/v2/listing/{key}")["status"] == "EXPIRED_AND_NO_USES"
    changed = student.call("POST", f"postits/v2/update/{key}", json={"maxUses": 1, "lifetime": 60})
    assert (changed["status"], changed["numberUsed"]) == ("ACTIVE", 1)


def test_a_revoked_postit_stays_revoked(student: Api) -> None:
    key = make(student)["postit"]
    assert "result" not in student.request("DELETE", f"postits/v2/{key}").json()
    student.call("DELETE", f"postits/v2/{key}")
    text = student.refused("POST", f"postits/v2/update/{key}", 403, json={"maxUses": 5})
    assert text == "Postit has been revoked."
    assert student.call("GET", f"postits/v2/listing/{key}")["status"] == "REVOKED"


def test_who_may_do_what(emulator: Emulator, api: Api, student: Api, admin: Api) -> None:
    key = make(student, maxUses=5)["postit"]
    stranger = Api(emulator.url, "student30")
    for who in (api, student, admin, stranger):
        assert who.call("GET", f"postits/v2/listing/{key}")["creator"] == "student01"
    update, delete = f"postits/v2/update/{key}", f"postits/v2/{key}"
    denied = "User does not have permission to {} this postit."
    for who in (api, stranger):
        assert who.refused("POST", update, 403, json={"maxUses": 9}) == denied.format("update")
        assert who.refused("DELETE", delete, 403) == denied.format("revoke")
    for who in (student, admin):
        assert who.call("POST", update, json={"maxUses": 9})["remainingUses"] == 9
    for who in (student, admin):
        who.call("DELETE", delete)


def test_an_administrator_makes_postits_for_others(student: Api, admin: Api) -> None:
    assert make(admin, username="student01")["creator"] == "student01"
    assert make(student, username="student01")["creator"] == "student01"
    url = f"{student.url}/jobs/v2"
    text = student.refused("POST", "postits/v2", 403, json={"url": url, "username": "student02"})
    assert text == "User does not have permission to create a postit for this user."
    text = admin.refused("POST", "postits/v2", 404, json={"url": url, "username": "nobody"})
    assert text == "No user found matching nobody"


@pytest.mark.parametrize(
    "key", ["nothing", "0" * 32, "0" * 8 + "-0000-4000-8000-" + "0" * 12 + "-010", "é", "%00"]
)
def test_unknown_postits(student: Api, key: str) -> None:
    for verb, path in (("GET", "listing/"), ("POST", "update/"), ("DELETE", ""), ("GET", "")):
        options = {"json": {"maxUses": 1}} if verb == "POST" else {}
        assert student.refused(verb, f"postits/v2/{path}{key}", 404, **options) == "Unknown postit key."


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/x"),
        ("PUT", "/x"),
        ("POST", "/listing/x"),
        ("DELETE", "/listing/x"),
        ("GET", "/update/x"),
        ("DELETE", "/update/x"),
    ],
)
def test_other_verbs(student: Api, verb: str, path: str) -> None:
    assert student.refused(verb, f"postits/v2{path}", 405) == "Unsupported method."


def test_all_but_redeeming_needs_a_token(tmp_path: Path) -> None:
    with served(tmp_path, anonymous=False) as emulator:
        api = Api(emulator.url)
        for verb, path in (
            ("GET", ""),
            ("POST", ""),
            ("DELETE", "/x"),
            ("GET", "/listing/x"),
            ("POST", "/update/x"),
        ):
            assert api.request(verb, f"postits/v2{path}").json()["fault"]["code"] == 900902
        assert api.refused("GET", "postits/v2/x", 404) == "Unknown postit key."
