"""The JSON and YAML files fit each other: what one names, another defines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import BUNDLE, FIXTURES

COURSE = FIXTURES / "course"
SEEDS = FIXTURES / "seeds"
JOBS = sorted(COURSE.glob("job*.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def app_id(app: dict[str, Any]) -> str:
    return f"{app['name']}-{app['version']}"


@pytest.fixture(scope="module")
def world() -> Any:
    return yaml.safe_load((SEEDS / "tacc.prod.yaml").read_text(encoding="utf-8"))


def test_every_seeded_file_is_there(world: Any) -> None:
    named = [entry["file"] for entry in [*world["systems"], *world["apps"]]]
    assert sorted(named) == sorted(path.name for path in SEEDS.glob("*.json"))
    assert all((SEEDS / entry["bundle"] / "wrapper.sh").is_file() for entry in world["apps"])


def test_owners_admins_and_default_user_are_users(world: Any) -> None:
    users = {entry["username"] for entry in world["users"] if "username" in entry}
    assert {entry["owner"] for entry in [*world["systems"], *world["apps"]]} <= users
    assert {world["default_user"], *world["tenant"]["admins"]} <= users


def test_the_range_of_students_has_a_name_for_each(world: Any) -> None:
    (students,) = [entry["range"] for entry in world["users"] if "range" in entry]
    count = students["last"] - students["first"] + 1
    assert count == 40
    pairs = {(first, last) for first in students["first_names"] for last in students["last_names"]}
    assert len(pairs) >= count


def test_one_default_of_each_type(world: Any) -> None:
    defaults = [read(SEEDS / entry["file"])["type"] for entry in world["systems"] if entry["global_default"]]
    assert sorted(defaults) == ["EXECUTION", "STORAGE"]


@pytest.mark.parametrize("folder", [SEEDS, COURSE], ids=lambda folder: folder.name)
def test_an_app_names_systems_of_its_folder(folder: Path) -> None:
    records = [read(path) for path in folder.glob("*.json")]
    systems = {record["id"]: record["type"] for record in records if "storage" in record}
    apps = [record for record in records if "templatePath" in record]
    assert len(apps) == 1
    for app in apps:
        assert systems[app["deploymentSystem"]] == "STORAGE"
        assert systems[app["executionSystem"]] == "EXECUTION"


def test_course_and_seeds_do_not_collide() -> None:
    def ids(folder: Path) -> set[str]:
        records = [read(path) for path in folder.glob("*.json") if not path.name.startswith("job")]
        return {record.get("id") or app_id(record) for record in records}

    assert len(ids(SEEDS)) == len(ids(COURSE)) == 3
    assert not ids(SEEDS) & ids(COURSE)


@pytest.mark.parametrize("path", [SEEDS / "classifier-1.0.0.json", COURSE / "app.json"], ids=lambda p: p.name)
def test_app_fits_the_bundle(path: Path) -> None:
    app = read(path)
    assert (BUNDLE / app["templatePath"]).is_file()
    assert (BUNDLE / app["testPath"]).is_file()
    declared = {item["id"] for item in [*app["inputs"], *app["parameters"]]}
    used = set(re.findall(r"\$\{(\w+)}", (BUNDLE / "wrapper.sh").read_text()))
    assert {name for name in used if not name.startswith("AGAVE_")} <= declared
    values = {item["id"]: item["value"] for item in app["parameters"]}
    assert (BUNDLE / values["imagefile"]["default"]).is_file()
    for value in values.values():
        assert re.fullmatch(value["validator"], str(value["default"]))


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.name)
def test_job_fits_its_app(path: Path) -> None:
    job = read(path)
    folder = SEEDS if path.name == "job-public.json" else COURSE
    records = [read(file) for file in folder.glob("*.json") if not file.name.startswith("job")]
    (app,) = [record for record in records if "templatePath" in record]
    assert job["appId"] == app_id(app)
    if job["archive"]:
        assert job["archiveSystem"] == app["deploymentSystem"]
    for kind in ("inputs", "parameters"):
        declared = {item["id"]: item["value"] for item in app[kind]}
        for name, value in job.get(kind, {}).items():
            assert re.fullmatch(declared[name]["validator"], str(value))
        required = {name for name, value in declared.items() if value["required"]}
        assert required <= set(job.get(kind, {}))


@pytest.mark.parametrize(
    "name", ["../x.txt", "-rf.png", "a.png; rm", "a.png\n", "$(id).png", '".png', "/etc/x.png"]
)
def test_odd_picture_names_do_not_match_the_validator(name: str) -> None:
    for path in (SEEDS / "classifier-1.0.0.json", COURSE / "app.json"):
        (imagefile,) = [item for item in read(path)["parameters"] if item["id"] == "imagefile"]
        assert not re.fullmatch(imagefile["value"]["validator"], name)


def test_another_user_needs_only_to_put_in_the_name() -> None:
    for path in COURSE.glob("*.json"):
        text = path.read_text(encoding="utf-8").replace("testuser", "student07")
        assert json.loads(text)
    app, job = read(COURSE / "app.json"), read(COURSE / "job.json")
    for value in (
        app["name"],
        app["deploymentSystem"],
        app["deploymentPath"],
        app["executionSystem"],
        job["appId"],
    ):
        assert "testuser" in value
