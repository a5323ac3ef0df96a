"""What a new data directory starts with, and what a wrong seed file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.app import Emulator
from emulator.data_directory import DataDirectory
from emulator.seeds.source import BadSeed
from emulator.settings import Settings
from tests.served import Api, served


def test_the_built_in_world_lets_a_student_run_the_seeded_app(tmp_path: Path) -> None:
    with served(tmp_path) as emulator:
        student = Api(emulator.url, "student40")
        assert [app["id"] for app in student.call("GET", "apps/v2")] == ["classifier-1.0.0"]
        body = {
            "name": "mine",
            "appId": "classifier-1.0.0",
            "parameters": {"imagefile": "pictures/zebra.png"},
        }
        job = student.call("POST", "jobs/v2", json=body)["id"]
        assert student.wait_for_job(job) == "FINISHED"
        text = student.request("GET", f"jobs/v2/{job}/outputs/media/predictions.txt").text
        assert text.startswith("zebra")
        where = f"files/v2/listings/student40/archive/jobs/job-{job}"
        assert "predictions.txt" in [entry["name"] for entry in student.call("GET", where)]


def test_what_a_user_has_changed_stays_changed(tmp_path: Path) -> None:
    with served(tmp_path) as emulator:
        api = Api(emulator.url)
        api.call("DELETE", "apps/v2/classifier-1.0.0")
    with served(tmp_path) as emulator:
        api = Api(emulator.url)
        assert api.call("GET", "apps/v2") == []
        assert {system["id"] for system in api.call("GET", "systems/v2")} == {"tacc.corral", "tacc.stampede2"}


def test_a_seed_file_of_ones_own(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(
        "tenant: {code: my.tenant, name: Mine, admins: [boss]}\n"
        "default_user: worker\n"
        "users:\n"
        "  - {username: boss, password: one}\n"
        "  - {username: worker, password: two, email: w@example.org}\n"
    )
    with served(tmp_path / "data", seed_file=str(seed)) as emulator:
        api = Api(emulator.url)
        assert api.call("GET", "tenants")[0]["code"] == "my.tenant"
        assert api.call("GET", "profiles/v2/me")["username"] == "worker"
        assert Api(emulator.url, "boss", "one").call("GET", "profiles/v2/me")["username"] == "boss"
        assert api.call("GET", "systems/v2") == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "seed.yaml"),
        ("[", "seed.yaml"),
        ("users: []", "tenant"),
        ("- 1", "mapping"),
        ("tenant: {code: t}\nusers: [{username: u}]", "password"),
        ("tenant: {code: t}\nsystems: [{file: nowhere.json, owner: u}]", "nowhere.json"),
        (
            "tenant: {code: t}\nsystems: [{file: system.json, owner: u}]",
            "Please specify a valid string value",
        ),
    ],
)
def test_a_wrong_seed_file_is_named_and_nothing_stays_held(
    tmp_path: Path, text: str | None, named: str
) -> None:
    seed = tmp_path / "seed.yaml"
    (tmp_path / "system.json").write_text("{}")
    if text is not None:
        seed.write_text(text)
    settings = Settings(port=0, seed_file=str(seed))
    directory = DataDirectory(tmp_path / "data")
    with pytest.raises(BadSeed, match=named) as caught:
        Emulator(settings, directory).start()
    assert "seed.yaml" in str(caught.value)
    # another attempt, with the built-in seed, can have the directory
    with served(tmp_path / "data2") as emulator:
        assert Api(emulator.url).call("GET", "tenants")
    DataDirectory(tmp_path / "data").acquire()
