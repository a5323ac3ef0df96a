"""What a postit gives to whoever has it, and how often [postits §A]."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from emulator.app import Emulator
from tests.contract.accounts.signing_in import LOGIN, Later, bearer, password_token, register
from tests.contract.postits.conftest import FILE, MEDIA, TEXT
from tests.contract.postits.test_keeping import make
from tests.served import Api

USED = "Postit key has already been redeemed."
EXPIRED = "Postit key has expired."


def state(student: Api, key: str) -> tuple[int, int]:
    """Uses left and uses made."""
    shown = student.call("GET", f"postits/v2/listing/{key}")
    return shown["remainingUses"], shown["numberUsed"]


def test_whoever_has_it_gets_what_its_creator_would(student: Api, nobody: requests.Session) -> None:
    stranger = Api(student.url, "student02")
    assert stranger.request("GET", FILE).status_code in (403, 404)
    postit = make(student, maxUses=2)
    direct = student.request("GET", FILE)
    for _ in range(2):
        answer = nobody.get(postit["_links"]["self"]["href"])
        assert (answer.status_code, answer.content) == (200, TEXT)
        for header in ("Content-Type", "Content-Length", "Content-Disposition", "Last-Modified"):
            assert answer.headers[header] == direct.headers[header]
    answer = nobody.get(postit["_links"]["self"]["href"])
    assert (answer.status_code, answer.json()["message"]) == (403, USED)
    assert state(student, postit["postit"]) == (0, 2)


def test_the_redeemers_own_credentials_do_not_matter(student: Api, api: Api) -> None:
    key = make(student, maxUses=9)["postit"]
    for headers in (
        {},
        bearer("nonsense"),
        bearer(password_token(api, register(api))),
        {"Authorization": "x"},
    ):
        assert api.request("GET", f"postits/v2/{key}", headers=headers).content == TEXT


@pytest.mark.parametrize(
    "path",
    [
        "systems/v2?limit=1",
        "jobs/v2",
        "apps/v2?pretty=true",
        "files/v2/listings/system/tacc.corral//home/student01",
    ],
)
def test_other_services_answer_too(student: Api, nobody: requests.Session, path: str) -> None:
    key = make(student, f"{student.url}/{path}")["postit"]
    answer = nobody.get(f"{student.url}/postits/v2/{key}")
    assert answer.text == student.request("GET", path).text


def test_errors_of_the_target_come_through_and_count(student: Api, nobody: requests.Session) -> None:
    targets = {
        f"{MEDIA}//home/student01/missing": 404,
        f"{MEDIA}//home/student02": 403,
        "systems/v2/nothing": 404,
        "jobs/v2/nothing/x/y/z": 404,
    }
    for path, status in targets.items():
        key = make(student, f"{student.url}/{path}", maxUses=2)["postit"]
        answer, direct = nobody.get(f"{student.url}/postits/v2/{key}"), student.request("GET", path)
        assert answer.status_code == direct.status_code
        assert answer.status_code == status or path.endswith("student02")
        assert answer.json() == direct.json()
        assert state(student, key) == (1, 1)


def test_a_part_of_the_file(student: Api, nobody: requests.Session) -> None:
    url = make(student, maxUses=-1)["_links"]["self"]["href"]
    answer = nobody.get(url, headers={"Range": "bytes=10-14"})
    assert (answer.status_code, answer.content) == (206, b"01234")
    assert answer.headers["Content-Range"] == "bytes 10-14/100"
    assert nobody.get(url, headers={"Range": "bytes=500-"}).status_code == 416


def test_a_download_can_be_forced(student: Api, nobody: requests.Session) -> None:
    def disposition(url: str) -> str:
        return nobody.get(url).headers.get("Content-Disposition", "")

    url = make(student, maxUses=-1)["_links"]["self"]["href"]
    assert disposition(url).startswith("inline")
    assert disposition(f"{url}?force=true").startswith('attachment; filename="a b.txt"')
    forced = make(student, maxUses=-1, force=True)
    assert forced["url"].endswith("?force=true")
    for query in ("", "?force=true", "?force=false"):
        assert disposition(forced["_links"]["self"]["href"] + query).startswith("attachment")
    listing = make(student, f"{student.url}/jobs/v2?limit=1", force="true", maxUses=-1)
    assert listing["url"].endswith("/jobs/v2?limit=1&force=true")
    assert disposition(listing["_links"]["self"]["href"] + "?force=true") == "attachment"


def test_looking_counts(student: Api, nobody: requests.Session) -> None:
    postit = make(student, maxUses=3)
    url = postit["_links"]["self"]["href"]
    answer = nobody.head(url)
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "100", b"")
    assert state(student, postit["postit"]) == (2, 1)
    for verb in ("POST", "PUT"):
        assert nobody.request(verb, url).status_code == 405
    assert state(student, postit["postit"]) == (2, 1)


def test_a_postit_ends_with_its_time_unless_it_is_unlimited(
    student: Api, nobody: requests.Session, later: Later
) -> None:
    url = make(student, lifetime=100, maxUses=50)["_links"]["self"]["href"]
    unlimited = make(student, lifetime=100, unlimited=True)
    later(timedelta(seconds=98))
    assert nobody.get(url).status_code == 200
    later(timedelta(seconds=101))
    answer = nobody.get(url)
    assert (answer.status_code, answer.json()["message"]) == (403, EXPIRED)
    for _ in range(3):
        assert nobody.get(unlimited["_links"]["self"]["href"]).content == TEXT
    assert state(student, unlimited["postit"]) == (-1, 3)


def test_revoked_and_unknown(student: Api, nobody: requests.Session) -> None:
    postit = make(student, unlimited=True)
    student.call("DELETE", f"postits/v2/{postit['postit']}")
    answer = nobody.get(postit["_links"]["self"]["href"])
    assert (answer.status_code, answer.json()["message"]) == (403, "Postit has been revoked.")
    answer = nobody.get(f"{student.url}/postits/v2/nothing")
    assert (answer.status_code, answer.json()["message"]) == (404, "Unknown postit key.")


def test_the_digits_alone_are_enough(student: Api, nobody: requests.Session) -> None:
    key = make(student, maxUses=2)["postit"]
    digits = key.removesuffix("-010").replace("-", "")
    assert len(digits) == 32
    assert nobody.get(f"{student.url}/postits/v2/{digits}").content == TEXT
    student.call("DELETE", f"postits/v2/{digits}")
    assert student.call("GET", f"postits/v2/listing/{key}")["status"] == "REVOKED"


def test_of_many_at_once_exactly_as_many_succeed_as_there_are_uses(student: Api) -> None:
    for uses in (1, 3):
        postit = make(student, maxUses=uses)
        url = postit["_links"]["self"]["href"]
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _, url=url: requests.get(url, timeout=60), range(12)))
        assert sorted(answer.status_code for answer in answers) == [200] * uses + [403] * (12 - uses)
        assert {a.content for a in answers if a.ok} == {TEXT}
        assert {a.json()["message"] for a in answers if not a.ok} == {USED}
        assert state(student, postit["postit"]) == (0, uses)


def test_the_creators_rights_are_those_of_the_moment(
    student: Api, admin: Api, nobody: requests.Session
) -> None:
    student.call("PUT", f"{MEDIA}//home/student01", json={"action": "mkdir", "path": "gone"})
    listing = f"{student.url}/files/v2/listings/system/tacc.corral//home/student01/gone"
    url = make(student, listing, maxUses=5)["_links"]["self"]["href"]
    assert nobody.get(url).status_code == 200
    student.call("DELETE", f"{MEDIA}//home/student01/gone")
    assert nobody.get(url).status_code == 404


def test_a_client_that_left_the_api_makes_no_postits(api: Api) -> None:
    token = password_token(api, register(api))
    api.call("DELETE", "clients/v2/keys/subscriptions", json={"apiName": "PostIts"}, auth=LOGIN)
    answer = api.request("GET", "postits/v2", headers=bearer(token))
    assert (answer.status_code, answer.json()["fault"]["code"]) == (403, 900908)


def test_a_large_file_streams_in_constant_memory(tmp_path: Path, emulator: Emulator, student: Api) -> None:
    import tracemalloc

    size = 96 * 1024 * 1024
    path = emulator.archive_directory("tacc.corral", "/home/student01") / "large.bin"
    with path.open("wb") as file:
        file.truncate(size)
    try:
        postit = make(student, f"{student.url}/{MEDIA}//home/student01/large.bin")
        tracemalloc.start()
        with requests.get(postit["_links"]["self"]["href"], stream=True, timeout=60) as answer:
            assert answer.headers["Content-Length"] == str(size)
            assert sum(len(piece) for piece in answer.iter_content(1 << 20)) == size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        path.unlink()
    assert peak < size / 4
