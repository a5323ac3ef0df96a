"""What goes wrong between a client and the service: gateways, proxies, broken lines, tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import IncompleteRead
from pathlib import Path

import pytest
import urllib3

from tests.scenario.agavepy_desk import Desk
from tests.scenario.lesson import JOB, Lesson

pytestmark = pytest.mark.xdist_group("scenario-one")

MODEL = "/apps/classifier-1.0.0/model.json"


def test_gateway_503_flaps(lesson: Lesson) -> None:
    lesson.sign_in()
    lesson.arm()
    down = lesson.get("ag.jobs.list()")
    assert down.error == "AgaveException" and "101503" in down.message, "agavepy hands the fault on as it is"
    shown = lesson.tapis("jobs", "list")
    assert shown.returncode != 0 and "Failed to load Tapis API client" in shown.stderr
    lesson.world.clock.advance("20s")
    assert lesson.get("ag.jobs.list()").result == []
    lesson.world.clock.advance("40s")
    assert "101503" in lesson.get("ag.jobs.list()").message, "and so on"
    assert {action for _, action in lesson.struck()} == {"gateway"}


def test_throttled(lesson: Lesson) -> None:
    lesson.arm()
    outcomes = [lesson.get("ag.jobs.list()") for _ in range(3)]
    assert {each.error for each in outcomes} == {"AgaveException"}
    assert all("Message throttled out" in each.message and "900800" in each.message for each in outcomes)
    assert lesson.get("ag.jobs.list()").result == []
    other = lesson.world.user("student01").request("GET", "jobs/v2")
    assert (other.status, other.headers["Retry-After"]) == (429, "30"), "counted for each user"
    assert [entry.facts["user"] for entry in lesson.world.journal] == ["testuser"] * 3 + ["student01"]


def test_listing_cut_off(lesson: Lesson) -> None:
    lesson.arm()
    code = "ag.files.list(systemId='tacc.corral', filePath='/apps/classifier-1.0.0')"
    first = lesson.get(code)
    assert first.error == "ChunkedEncodingError", first
    assert len(lesson.get(code).result) > 3
    (listing,) = [request for request in lesson.world.requests if request.faults]
    assert (listing.operation, listing.status) == ("files.list", 200)
    assert lesson.struck() == [("http.files.list", "truncate")]


def test_submit_answer_lost(lesson: Lesson) -> None:
    lesson.arm()
    lost = lesson.get("ag.jobs.submit(body=body)", body=JOB)
    assert lost.error == "ConnectionError", lost
    lesson.submit()
    jobs = lesson.get("ag.jobs.list()").result
    assert [job["name"] for job in jobs] == [JOB["name"]] * 2, "whoever does not look submits twice"
    assert lesson.struck() == [("http.jobs.submit", "reset")]


def test_proxy_answers_with_a_page(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.get("ag.jobs.submit(body=body)", body=JOB)
    assert job.error == "JSONDecodeError", job
    shown = lesson.tapis("jobs", "list")
    assert shown.returncode != 0, shown.stdout
    assert len(lesson.get("ag.jobs.list()").result) == 1, "the work was done all the same"
    assert lesson.struck() == [("http.jobs.submit", "malformed-json"), ("http.jobs.list", "malformed-json")]


def test_download_breaks_off(lesson: Lesson, tmp_path: Path) -> None:
    """Through a plain client: agavepy and tapis-cli only tell that the connection broke, not how much had come."""
    whole = lesson.world.files.read(MODEL, "tacc.corral")
    lesson.arm()
    target = f"files/v2/media/system/tacc.corral/{MODEL}"
    response = urllib3.request("GET", f"{lesson.world.url}/{target}", preload_content=False)
    came = b""
    with pytest.raises(urllib3.exceptions.ProtocolError) as broken:
        for piece in response.stream(100):
            came += piece
    assert came == whole[: len(came)] and len(came) <= 1000 < len(whole)
    assert isinstance(broken.value.args[1], ConnectionResetError | IncompleteRead)
    rest = lesson.world.request("GET", target, headers={"Range": f"bytes={len(came)}-"})
    assert rest.status == 206 and came + rest.data == whole
    again = lesson.get("ag.files.download(systemId='tacc.corral', filePath=path)", path=MODEL)
    assert again.result["content"].encode("latin-1") == whole
    assert lesson.struck() == [("http.files.download", "reset")]


@pytest.fixture
def signed_in(lesson: Lesson, agavepy: Desk, tmp_path: Path) -> Iterator[Lesson]:
    """The client calls the service's own address, with the world's port for its proxy, and so sends its token."""
    world = lesson.world
    lesson.agave = agavepy.client(
        world.url, world.username, world.password, str(tmp_path), through_proxy=True
    )
    yield lesson


def test_token_expires_mid_flight(signed_in: Lesson) -> None:
    """agavepy refreshes and repeats; whoever does not is told 401 for good."""
    lesson = signed_in
    token = lesson.get("ag.token.token_info['access_token']").result
    lesson.arm()
    assert lesson.get("ag.profiles.get()").result["username"] == "testuser"
    assert lesson.get("ag.profiles.get()").result["username"] == "testuser"
    assert lesson.get("ag.token.token_info['access_token']").result != token, "a fresh one, unasked"
    refused = lesson.world.request("GET", "jobs/v2", headers={"Authorization": f"Bearer {token}"})
    assert refused.status == 401 and json.loads(refused.data)["fault"]["message"] == "Invalid Credentials"
    assert [each.status for each in lesson.world.requests.of("profiles.get")] == [200, 401, 200]
    assert lesson.struck() == [("token.check", "expire")]


def test_tokens_live_a_minute(lesson: Lesson) -> None:
    lesson.arm()
    session = lesson.world.session
    assert session.expires_in == 60
    bearer = {"Authorization": f"Bearer {session.access_token}"}
    assert lesson.world.request("GET", "jobs/v2", headers=bearer).status == 200
    lesson.world.clock.advance("61s")
    assert lesson.world.request("GET", "jobs/v2", headers=bearer).status == 401
    assert lesson.tapis("profiles", "show", "self").returncode == 0, "tapis-cli refreshes first, always"
    assert {action for _, action in lesson.struck()} == {"short-lived"}
    assert {point for point, _ in lesson.struck()} == {"token.issue", "token.refresh"}


def test_logged_out_everywhere(lesson: Lesson) -> None:
    session = lesson.world.session
    lesson.arm()
    shown = lesson.tapis("jobs", "list")
    assert shown.returncode != 0 and "Failed to load Tapis API client" in shown.stderr
    bearer = {"Authorization": f"Bearer {session.access_token}"}
    assert lesson.world.request("GET", "jobs/v2", headers=bearer).status == 401
    user, password = lesson.world.username, lesson.world.password
    who = ("--tenant-id", "tacc.prod", "--username", user, "--password", password)
    login = lesson.tapis("auth", "init", *who, "--no-dockerhub")
    assert login.returncode == 0, login.stderr
    assert lesson.struck() == [("token.refresh", "revoke")]
