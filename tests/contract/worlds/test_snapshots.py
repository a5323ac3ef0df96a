"""A snapshot is a seed: what is restored from it answers as the world did that it was taken of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.contract.worlds.full_world import Filled, control, differences, everything, fill
from tests.served import Api, served

SIMULATED = {"*": {"outputs": {"out.txt": "forty-two\n"}}}


@pytest.fixture(scope="module")
def taken(
    url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Filled, bytes, dict[str, object]]]:
    """A filled world's URL, what is in it, its snapshot, and all that it answers."""
    world = control(url, "POST", expect=201, json={"name": "full", "listener": True, "simulated": SIMULATED})
    filled = fill(world["url"])
    answers = everything(world["url"], filled)
    answer = requests.post(f"{url}/_emulator/worlds/full/snapshot", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/gzip"
    yield world["url"], filled, answer.content, answers


def test_the_world_it_is_taken_of_has_something_to_show(
    taken: tuple[str, Filled, bytes, dict[str, object]],
) -> None:
    _, _, _, answers = taken
    own = {path: answer for path, answer in answers.items() if path.startswith("testuser")}
    refused = {path: answer for path, answer in own.items() if answer[0] != 200}  # type: ignore[index]
    assert not refused


def test_elsewhere_it_answers_the_same_to_every_get(
    taken: tuple[str, Filled, bytes, dict[str, object]], tmp_path: Path
) -> None:
    _, filled, tar, answers = taken
    with served(tmp_path) as other:
        query = {"name": "full", "listener": "true"}
        world = control(
            other.url,
            "POST",
            expect=201,
            params=query,
            data=tar,
            headers={"Content-Type": "application/gzip"},
        )
        again = everything(world["url"], filled)
    assert differences(answers, again) == {}


def test_in_place_it_answers_the_same_to_every_get(
    taken: tuple[str, Filled, bytes, dict[str, object]], url: str
) -> None:
    here, filled, tar, answers = taken
    Api(here, "testuser").call("DELETE", f"jobs/v2/{filled.job}")
    control(url, "POST", "/full/restore", data=tar, headers={"Content-Type": "application/gzip"})
    assert differences(answers, everything(here, filled)) == {}
    control(url, "POST", "/full/reset", json={})
    assert differences(answers, everything(here, filled)) == {}


def test_beside_itself_it_has_ids_of_its_own(
    taken: tuple[str, Filled, bytes, dict[str, object]], url: str
) -> None:
    _, filled, tar, _ = taken
    query = {"name": "copy", "listener": "true"}
    world = control(
        url, "POST", expect=201, params=query, data=tar, headers={"Content-Type": "application/gzip"}
    )
    user = Api(world["url"], "testuser")
    (job,) = user.call("GET", "jobs/v2")
    assert job["id"] != filled.job
    record = user.call("GET", f"jobs/v2/{job['id']}")
    assert record["appId"] == "classifier-1.0.0" and record["status"] == "FINISHED"
    # what refers to the job refers to the copy
    (item,) = user.call("GET", "meta/v2/data")
    assert item["associationIds"] == [job["id"]]
    (subscription,) = user.call("GET", "notifications/v2")
    assert subscription["associatedUuid"] == job["id"]
    assert user.request("GET", f"jobs/v2/{job['id']}/outputs/media/out.txt").text == "forty-two\n"
    (postit,) = user.call("GET", "postits/v2?status=ALL")
    redeemed = requests.get(f"{world['url']}/postits/v2/{postit['postit']}", timeout=60).json()
    assert redeemed["result"]["id"] == job["id"]
    for uuid in filled.ids.values():
        assert user.request("GET", f"uuids/v2/{uuid}").status_code != 200
    control(url, "DELETE", "/copy")


@pytest.mark.parametrize(
    "folder", ["", "relative", "~/x", "/" + "a" * 5000, "/tmp/a\0b", "/dev/null", "/dev/null/x"]
)
def test_where_no_folder_can_be_made_is_named(url: str, folder: str) -> None:
    assert (
        "folder: " in control(url, "POST", "/default/snapshot", expect=400, json={"folder": folder})["error"]
    )


def test_a_folder_can_be_read_and_changed(
    taken: tuple[str, Filled, bytes, dict[str, object]], url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "seed"
    assert control(url, "POST", "/full/snapshot", json={"folder": str(folder)}) == {"folder": str(folder)}
    world = folder / "world.yaml"
    text = world.read_text()
    assert "password:" not in text
    world.write_text(
        text.replace("first_name: Amara", "first_name: Amanda").replace(
            "users:\n", "users:\n- {username: new, password: pass, first_name: Neo}\n"
        )
    )
    (folder / "files" / "corral.tacc.example.org" / "home" / "student01" / "notes.txt").write_text("changed")
    made = control(url, "POST", expect=201, json={"name": "edited", "seed": str(folder), "listener": True})
    student = Api(made["url"], "student01")
    assert student.call("GET", "profiles/v2/me")["first_name"] == "Amanda"
    assert Api(made["url"], "new", "pass").call("GET", "profiles/v2/me")["first_name"] == "Neo"
    assert student.request("GET", "files/v2/media/system/tacc.corral/student01/notes.txt").text == "changed"
    control(url, "DELETE", "/edited")


def test_jobs_that_run_are_stopped_in_it(url: str) -> None:
    held = {"name": "busy", "listener": True, "clock": "frozen", "simulated": {"*": {"duration": "1h"}}}
    world = control(url, "POST", expect=201, json=held)
    user = Api(world["url"])
    job = user.call(
        "POST",
        "jobs/v2",
        json={"name": "long", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/zebra.png"}},
    )["id"]
    user.wait_for_job(job, ("RUNNING",))
    tar = requests.post(f"{url}/_emulator/worlds/busy/snapshot", timeout=60).content
    assert user.call("GET", f"jobs/v2/{job}/status")["status"] == "RUNNING"
    control(url, "POST", "/busy/restore", data=tar, headers={"Content-Type": "application/gzip"})
    record = user.call("GET", f"jobs/v2/{job}")
    assert record["status"] == "STOPPED" and "while the job was RUNNING" in record["lastStatusMessage"]
    assert user.call("GET", f"jobs/v2/{job}/history")[-1]["status"] == "STOPPED"
    control(url, "DELETE", "/busy")
