"""The checks of the system, before anything else [files §3]."""

from __future__ import annotations

import pytest

from emulator.domain.system import Role, SystemStatus, SystemType
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench

LOOKS = [("GET", "listings"), ("GET", "history"), ("GET", "pems"), ("GET", "index"), ("POST", "index")]
CHANGES = [("PUT", "media"), ("DELETE", "media"), ("POST", "media"), ("GET", "media"), ("HEAD", "media")]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ADMINISTRATORS_ONLY = (
    "User does not have access to view the requested resource. File access is restricted to administrators "
    "on public execution systems."
)


def body_of(method: str, route: str) -> dict[str, str] | None:
    if (method, route) == ("PUT", "media"):
        return {"action": "mkdir", "path": "x"}
    return {"username": "u", "permission": "READ"} if (method, route) == ("POST", "pems") else None


def test_the_default_system_is_the_users_own_else_the_tenants(bench: Bench, private: str) -> None:
    bench.put(private, "/home/mine")
    try:
        bench.set_default(OWNER, private)
        assert bench.call("GET", "listings/mine")[0]["system"] == private
        assert bench.call("GET", "listings//home/mine")[0]["system"] == private
    finally:
        bench.set_default(OWNER, None)
    assert bench.call("GET", "listings/")[0]["system"] == "tacc.corral"


def test_without_any_default_system(bench: Bench) -> None:
    bench.alter("tacc.corral", available=False)
    try:
        text = "No default storage system found. Please register a system and set it as your default."
        for method, route in [*LOOKS, ("POST", "pems"), ("DELETE", "pems")]:
            answer = bench.request(method, f"{route}/x", body=body_of(method, route))
            assert answer.refusal == (404, f"{text} ")
        for method, route in (("PUT", "media"), ("DELETE", "media"), ("GET", "media")):
            answer = bench.request(method, f"{route}/x", body=body_of(method, route))
            assert answer.refusal == (404, text)
        assert bench.upload("x", b"").refusal == (404, text)
    finally:
        bench.alter("tacc.corral", available=True)


@pytest.mark.parametrize("why", ["unknown", "invisible", "disabled"])
def test_a_system_that_cannot_be_seen(bench: Bench, why: str) -> None:
    system = bench.system(owner=OWNER if why == "disabled" else ADMIN, available=why != "disabled")
    system = "no.such.system" if why == "unknown" else system
    for method, route in [*LOOKS, ("POST", "pems"), ("DELETE", "pems")]:
        answer = bench.request(method, f"{route}/system/{system}/x", body=body_of(method, route))
        assert answer.refusal == (404, f"No resource found for user with system id '{system}'")
    for method, route in (("PUT", "media"), ("DELETE", "media"), ("GET", "media")):
        answer = bench.request(method, f"{route}/system/{system}/x", body=body_of(method, route))
        assert answer.refusal == (404, f"No system found for user with id {system}")
    assert bench.upload(f"system/{system}", b"x").refusal == (
        404,
        f"No system found for user with id {system}",
    )


@pytest.mark.parametrize("status", [SystemStatus.DOWN, SystemStatus.UNKNOWN, SystemStatus.MAINTENANCE])
def test_media_need_a_system_that_is_up(bench: Bench, status: SystemStatus) -> None:
    system = bench.system(status=status)
    path = bench.put(system, "/home/file")
    for method in ("PUT", "DELETE", "GET"):
        answer = bench.request(method, f"media/system/{system}/file", body=body_of(method, "media"))
        assert answer.refusal == (400, f"System {system} is {status.value}")
    assert bench.upload(f"system/{system}", b"x").refusal == (400, f"System {system} is {status.value}")
    assert path.read_bytes() == b"content"
    assert bench.names(f"system/{system}/file") == ["file"]


def test_files_of_public_execution_systems_are_the_administrators(bench: Bench) -> None:
    system = bench.system(kind=SystemType.EXECUTION, public=True, owner=OTHER)
    bench.put(system, "/home/file")
    for method, route in [*LOOKS, ("POST", "pems"), ("DELETE", "pems")]:
        answer = bench.request(method, f"{route}/system/{system}/file", OTHER, body=body_of(method, route))
        assert answer.refusal == (403, ADMINISTRATORS_ONLY)
    assert bench.names(f"system/{system}/file", ADMIN) == ["file"]
    for method in ("POST", "DELETE"):
        answer = bench.request(
            method, f"pems/system/{system}/file", ADMIN, body={"username": "u", "permission": "READ"}
        )
        assert answer.refusal == (403, ADMINISTRATORS_ONLY)


def test_private_execution_systems_are_open_to_their_users(bench: Bench) -> None:
    system = bench.system(kind=SystemType.EXECUTION, roles={OTHER: Role.USER})
    bench.put(system, "/home/file")
    assert bench.names(f"system/{system}/file", OTHER) == ["file"]


@pytest.mark.parametrize("root", ["/not/there/yet", "/"])
def test_root_and_home_are_made_on_first_use(bench: Bench, root: str) -> None:
    system = bench.system(root=root, home="/users/me")
    assert bench.names(f"system/{system}") == ["."]
    assert bench.real(system, "/users/me").is_dir()


def test_public_storage_gives_everybody_a_home(bench: Bench, public: str) -> None:
    assert bench.names(f"system/{public}/{OTHER}", OTHER) == ["."]
    assert bench.real(public, f"/home/{OTHER}").is_dir()
    assert not bench.real(public, f"/home/{OWNER}").exists()


def test_private_storage_gives_nobody_a_home(bench: Bench, private: str) -> None:
    assert bench.names(f"system/{private}") == ["."]


def test_the_system_is_looked_at_before_the_body(bench: Bench) -> None:
    unknown = (404, "No system found for user with id none.such")
    assert bench.request("POST", "media/system/none.such", body=b"").refusal == unknown
    assert bench.request("POST", "media/system/none.such", body={"fileName": "x"}).refusal == unknown
    assert bench.request("PUT", "media/system/none.such", body={"path": "x"}).refusal == unknown
    assert bench.request("PUT", "media/system/none.such", body={"action": "touch"}).refusal == unknown
    assert bench.request("POST", "pems/system/none.such", body={}).status == 404
    assert bench.request("GET", "pems/system/none.such?permission=SOME").status == 404


def test_a_root_that_cannot_be_made(bench: Bench) -> None:
    system = bench.system(root="/file/below")
    real = bench.real(system, "/").parent
    real.rmdir()
    real.write_bytes(b"in the way")
    status, message = bench.request("GET", f"listings/system/{system}").refusal
    assert status == 412
    assert message.startswith("Unable to establish a connection to the remote server. ")


def test_systems_on_one_host_share_its_files(bench: Bench, private: str) -> None:
    other = bench.system(root="/data/home")
    bench.alter(other, storage=bench.record(private).storage)
    bench.put(private, "/home/shared")
    assert bench.names(f"system/{other}/shared") == ["shared"]


@pytest.mark.parametrize("path", ["", "listing/x", "mediax", "mediax/y"])
def test_no_such_resource(bench: Bench, path: str) -> None:
    answer = bench.request("GET", path)
    assert answer.status == 404
    assert answer.json["fault"]["code"] == 900906


@pytest.mark.parametrize(
    "method, path", [("POST", "listings/x"), ("PATCH", "media/x"), ("DELETE", "history/x")]
)
def test_other_verbs(bench: Bench, method: str, path: str) -> None:
    assert bench.request(method, path).refusal == (405, f"{method} is not supported")


def test_an_expired_or_unknown_token(bench: Bench) -> None:
    answer = bench.request("GET", "listings/", "nobody")
    assert answer.status == 401
    assert answer.json["fault"]["code"] == 900901


def test_requests_without_a_token_are_the_default_users(bench: Bench, private: str) -> None:
    answer = bench.request("GET", f"listings/system/{private}", None)
    assert answer.status == 200
