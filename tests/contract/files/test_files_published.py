"""Published files: downloads without a token [files §12]."""

from __future__ import annotations

import pytest

from emulator.domain.system import Role, SystemStatus, SystemType
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench

NO_VIEW = (403, "User does not have access to view the requested resource")


def publish(bench: Bench, where: str, username: str = "public", recursive: bool = False) -> None:
    body = {"username": username, "permission": "READ", "recursive": recursive}
    bench.call("POST", f"pems/system/{where}", expect=201, body=body)


@pytest.fixture
def site(bench: Bench, private: str) -> str:
    """OWNER's private system with /home/pub/{page.txt,sub/x} published and /home/secret not."""
    bench.put(private, "/home/pub/page.txt", b"0123456789")
    bench.put(private, "/home/pub/sub/x", b"below")
    bench.put(private, "/home/secret", b"secret")
    publish(bench, f"{private}/pub", recursive=True)
    return private


def test_anybody_may_read_it(bench: Bench, site: str) -> None:
    for user in (None, OWNER, OTHER, "nobody at all"):
        answer = bench.request("GET", f"download/{OWNER}/system/{site}/pub/page.txt", user)
        assert (answer.status, answer.body) == (200, b"0123456789")
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["Content-Disposition"].startswith('inline; filename="page.txt"')
    assert bench.request("GET", f"download/x/system/{site}/pub/sub/x", None).body == b"below"
    assert bench.request("GET", f"download/{OWNER}/system/{site}/secret", None).refusal == NO_VIEW


def test_the_path_is_always_relative_to_the_home(bench: Bench, site: str) -> None:
    for tail in ("/pub/page.txt", "//pub/page.txt", "//pub///page.txt", "/pub/./page.txt"):
        assert bench.request("GET", f"download/{OWNER}/system/{site}{tail}", None).status == 200
    assert bench.request("GET", f"download/{OWNER}/system/{site}//home/pub/page.txt", None).status == 404


def test_ranges_force_and_head(bench: Bench, site: str) -> None:
    url = f"download/{OWNER}/system/{site}/pub/page.txt"
    part = bench.request("GET", url, None, headers={"Range": "bytes=2-4"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert bench.request("GET", url, None, headers={"Range": "bytes=-3"}).body == b"789"
    assert bench.request("GET", url, None, headers={"Range": "bytes=20-"}).status == 416
    forced = bench.request("GET", f"{url}?force=true", None)
    assert forced.headers["Content-Disposition"].startswith("attachment;")
    head = bench.request("HEAD", url, None)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "10")


def test_a_download_is_remembered_a_look_is_not(bench: Bench, site: str) -> None:
    url = f"download/{OWNER}/system/{site}/pub/page.txt"
    bench.request("HEAD", url, None)
    bench.request("GET", url, None)
    (line,) = bench.call("GET", f"history/system/{site}/pub/page.txt")
    assert (line["status"], line["createdBy"]) == ("DOWNLOAD", "public")


def test_a_directory_shows_its_index_page(bench: Bench, site: str) -> None:
    url = f"download/{OWNER}/system/{site}/pub"
    assert bench.request("GET", url, None).refusal == (501, "Directory downloads not supported")
    bench.put(site, "/home/pub/index.htm", b"htm")
    assert bench.request("GET", url, None).body == b"htm"
    bench.put(site, "/home/pub/index.html", b"html")
    answer = bench.request("GET", f"{url}/", None)
    assert (answer.body, answer.headers["Content-Type"]) == (b"html", "text/html")
    bench.make(site, "/home/pub/sub/index.html")
    assert bench.request("GET", f"{url}/sub", None).status == 501


def test_only_grants_to_public_count(bench: Bench) -> None:
    """Neither the world's, nor what a public system gives to everybody."""
    system = bench.system(public=True, owner=ADMIN, roles={"world": Role.GUEST})
    bench.put(system, "/home/public/x")
    bench.put(system, "/home/y")
    for path in ("public/x", "y"):
        assert bench.request("GET", f"download/u/system/{system}/{path}", None).refusal == NO_VIEW
    bench.call(
        "POST",
        f"pems/system/{system}//home/y",
        ADMIN,
        201,
        body={"username": "world", "permission": "ALL"},
    )
    assert bench.request("GET", f"download/u/system/{system}/y", None).refusal == NO_VIEW
    bench.call(
        "POST",
        f"pems/system/{system}//home/y",
        ADMIN,
        201,
        body={"username": "public", "permission": "WRITE"},
    )
    assert bench.request("GET", f"download/u/system/{system}/y", None).refusal == NO_VIEW


def test_the_grant_of_the_item_wins_over_that_of_its_directory(bench: Bench, site: str) -> None:
    publish(bench, f"{site}/pub/page.txt")
    body = {"username": "public", "permission": "EXECUTE"}
    bench.call("POST", f"pems/system/{site}/pub/page.txt", expect=201, body=body)
    assert bench.request("GET", f"download/u/system/{site}/pub/page.txt", None).refusal == NO_VIEW
    assert bench.request("GET", f"download/u/system/{site}/pub/sub/x", None).status == 200


def test_taken_back(bench: Bench, site: str) -> None:
    body = {"username": "public", "permission": "NONE"}
    bench.call("POST", f"pems/system/{site}/pub", expect=200, body=body)
    assert bench.request("GET", f"download/u/system/{site}/pub/page.txt", None).refusal == NO_VIEW


@pytest.mark.parametrize("status", [SystemStatus.DOWN, SystemStatus.MAINTENANCE, SystemStatus.UNKNOWN])
def test_a_system_that_is_not_up(bench: Bench, site: str, status: SystemStatus) -> None:
    bench.alter(site, status=status)
    assert bench.request("GET", f"download/u/system/{site}/pub/page.txt", None).refusal == (
        503,
        f"The system containing the published data is currently {status.lower()}",
    )


def test_systems_that_are_not_there(bench: Bench, site: str) -> None:
    assert bench.request("GET", "download/u/system/none.such/x", None).refusal == (
        400,
        "No system found for the published data matching none.such",
    )
    bench.alter(site, available=False)
    assert bench.request("GET", f"download/u/system/{site}/pub/page.txt", None).refusal == (
        503,
        "The system containing the published data is currently unavailable.",
    )
    for path in ("download", "download/u", "download/u/x/y", "download/u/system", "download/u/system/"):
        assert bench.request("GET", path, None).refusal == (404, "No system found with the given id.")


def test_what_does_not_exist(bench: Bench, site: str) -> None:
    missing = (404, "File/folder does not exist")
    assert bench.request("GET", f"download/u/system/{site}/pub/nope", None).refusal == missing
    assert bench.request("GET", f"download/u/system/{site}/pub/page.txt/x", None).refusal == missing
    for path in ("../../x", "pub/../../..", "%2e%2e/%2e%2e/%2e%2e"):
        assert bench.request("GET", f"download/u/system/{site}/{path}", None).status == 404
    assert bench.request("GET", f"download/u/system/{site}/a%00b", None).refusal == (400, "Invalid file path")


def test_links_do_not_lead_out(bench: Bench, site: str) -> None:
    outside = bench.real(site, "/").parent / "outside"
    outside.write_bytes(b"outside")
    (bench.real(site, "/home/pub") / "out").symlink_to(outside)
    answer = bench.request("GET", f"download/u/system/{site}/pub/out", None)
    assert answer.status == 404
    assert b"outside" not in answer.body


def test_published_files_of_an_execution_system(bench: Bench) -> None:
    system = bench.system(kind=SystemType.EXECUTION)
    bench.put(system, "/home/x", b"1")
    publish(bench, f"{system}/x")
    assert bench.request("GET", f"download/u/system/{system}/x", None).body == b"1"


def test_other_verbs(bench: Bench, site: str) -> None:
    for verb in ("POST", "PUT", "DELETE"):
        assert bench.request(verb, f"download/u/system/{site}/pub/page.txt", None).status == 405
