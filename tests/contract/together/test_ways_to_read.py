"""There is no way to read by something that only lets one write."""

from __future__ import annotations

from tests.contract.together.conftest import storage, upload
from tests.served import Api


def test_a_folder_one_may_only_write_to_is_no_archive_path(student: Api, other: Api) -> None:
    """What lies there already would be shown among the outputs."""
    student.call("POST", "systems/v2", json=storage("letterbox"))
    student.call("POST", "systems/v2/letterbox/roles", json={"username": "student02", "role": "USER"})
    student.call("PUT", "files/v2/media/system/letterbox//", json={"action": "mkdir", "path": "/box"})
    upload(student, "letterbox", "/box", "letter.txt", "private")
    grant = {"username": "student02", "permission": "WRITE", "recursive": True}
    student.call("POST", "files/v2/pems/system/letterbox//box", json=grant)
    other.refused("GET", "files/v2/media/system/letterbox//box/letter.txt", 403)
    request = {
        "name": "reader",
        "appId": "classifier-1.0.0",
        "parameters": {"imagefile": "pictures/zebra.png"},
        "archive": True,
        "archiveSystem": "letterbox",
        "archivePath": "/box",
    }
    refusal = other.refused("POST", "jobs/v2", 403, json=request)
    assert refusal == "User does not have permission to access the provided archive path /box"


def test_a_number_too_large_for_its_schema_is_a_mistake(student: Api) -> None:
    schema = student.call("POST", "meta/v2/schemas", json={"multipleOf": 1e-300})["uuid"]
    item = {"name": "large", "value": 10**400, "schemaId": schema}
    student.refused("POST", "meta/v2/data", 400, json=item)
