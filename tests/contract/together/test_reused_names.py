"""Who gets a name that another has had gets nothing else of the other's, and gives nothing to the other."""

from __future__ import annotations

import pytest

from tests.contract.together.conftest import job, storage, upload
from tests.served import Api

FILES = "files/v2/{}/system/{}/"


def pass_on(name: str, admin: Api, new_owner: Api) -> None:
    """The system of this id is erased, and another one registered on another machine."""
    admin.call("PUT", f"systems/v2/{name}", json={"action": "erase"})
    definition = storage(name)
    definition["storage"]["host"] = "another.example.org"
    new_owner.call("POST", "systems/v2", json=definition)


@pytest.mark.parametrize("path", ["/", "/home"])
def test_outputs_of_a_job_do_not_show_a_later_system_of_the_same_id(
    student: Api, other: Api, admin: Api, path: str
) -> None:
    name = f"passed-on{len(path)}"
    student.call("POST", "systems/v2", json=storage(name))
    archived = job(student, archiveSystem=name, archivePath=path)
    assert student.call("GET", f"jobs/v2/{archived}/outputs/listings")
    pass_on(name, admin, other)
    upload(other, name, path, "diary.png", "private")
    student.refused("GET", f"jobs/v2/{archived}/outputs/listings", 504)
    student.refused("GET", f"jobs/v2/{archived}/outputs/media/diary.png", 504)
    source = f"{student.url}/jobs/v2/{archived}/outputs/media/diary.png"
    request = {"name": "reads", "appId": "classifier-1.0.0", "parameters": {"imagefile": "diary.png"}}
    refusal = student.refused("POST", "jobs/v2", 403, json=request | {"inputs": {"picture": source}})
    assert refusal.startswith("You do not have permission")


def test_grants_on_files_of_an_erased_system_do_not_count_for_the_next(
    student: Api, other: Api, admin: Api
) -> None:
    name = "granted-before"
    student.call("POST", "systems/v2", json=storage(name))
    grant = {"username": "student01", "permission": "ALL", "recursive": True}
    student.call("POST", FILES.format("pems", name) + "/", json=grant)
    pass_on(name, admin, other)
    upload(other, name, "/", "diary.txt", "private")
    other.call("POST", f"systems/v2/{name}/roles", json={"username": "student01", "role": "GUEST"})
    student.refused("DELETE", FILES.format("media", name) + "/diary.txt", 403)
    events = other.call("GET", FILES.format("history", name) + "/diary.txt")
    assert {event["createdBy"] for event in events} == {"student02"}
