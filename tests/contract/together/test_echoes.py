"""A system, an app, any resource that several use tells each of them only of what they may see [notifications §5]."""

from __future__ import annotations

from collections.abc import Callable

from tests.contract.together.conftest import heard, job, storage, upload
from tests.real.webhook_sink import Hook, WebhookSink
from tests.served import Api


def listen(api: Api, sink: WebhookSink, uuid: str, whose: str) -> None:
    url = f"{sink.url}/{whose}/${{EVENT}}/${{JOB_ID}}"
    body = {"url": url, "event": "*", "persistent": True, "associatedUuid": uuid}
    api.call("POST", "notifications/v2", json=body)


def beginning(path: str) -> Callable[[Hook], bool]:
    return lambda hook: hook.path.startswith(path)


def test_jobs_of_others_on_a_public_system_and_app_are_not_told(
    student: Api, other: Api, admin: Api, sink: WebhookSink
) -> None:
    system = student.call("GET", "systems/v2/tacc.stampede2")["uuid"]
    app = student.call("GET", "apps/v2/classifier-1.0.0")["uuid"]
    listening = {"student01": student, "student02": other, "admin": admin}
    for name, api in listening.items():
        for uuid in (system, app):
            listen(api, sink, uuid, name)
    own, others = job(student), job(other)
    # messages of one subscription arrive in the order of the events: nothing comes after these
    for name, last in (("student01", own), ("student02", others), ("admin", others)):
        heard(sink, beginning(f"/{name}/JOB_FINISHED/{last}"))
    told = {tuple(hook.path.strip("/").split("/")[::2]) for hook in sink.hooks.items}
    assert told == {("student01", own), ("student02", others), ("admin", own), ("admin", others)}
    assert {hook.path for hook in sink.hooks.items} >= {f"/student01/JOB_CREATED/{own}"}


def test_the_keeper_of_a_system_hears_of_everybodys_files(
    student: Api, other: Api, sink: WebhookSink
) -> None:
    made = student.call("POST", "systems/v2", json=storage("echo.kept"))
    grant = {"username": "student02", "role": "USER"}
    student.call("POST", "systems/v2/echo.kept/roles", json=grant)
    listen(student, sink, made["uuid"], "keeper")
    upload(other, "echo.kept", "/", "theirs.txt", "text")
    heard(sink, beginning("/keeper/SYSTEM_STAGING_COMPLETED"))


def test_files_of_others_on_public_storage_are_not_told(student: Api, other: Api, sink: WebhookSink) -> None:
    system = student.call("GET", "systems/v2/tacc.corral")["uuid"]
    listen(other, sink, system, "other")
    for api, name in ((student, "student01"), (other, "student02")):
        api.call("GET", f"files/v2/listings/system/tacc.corral//home/{name}")
        upload(api, "tacc.corral", f"/home/{name}", "quiet.txt", "text")
    hooks = heard(sink, beginning("/other/SYSTEM_STAGING_COMPLETED"))
    assert {hook.json["path"] for hook in hooks} <= {"/home/student02/quiet.txt", "/home/student02"}


def test_private_metadata_about_a_shared_resource_is_not_told(
    student: Api, other: Api, sink: WebhookSink
) -> None:
    system = student.call("GET", "systems/v2/tacc.corral")["uuid"]
    listen(other, sink, system, "other")
    item = {"name": "diary", "value": {"secret": 1}, "associationIds": [system]}
    student.call("POST", "meta/v2/data", json=item)
    shared = student.call("POST", "meta/v2/data", json=item | {"name": "shared"})["uuid"]
    student.call("POST", f"meta/v2/data/{shared}/pems/student02", json={"permission": "READ"})
    student.call("POST", f"meta/v2/data/{shared}", json={"name": "shared once more"})
    hooks = heard(sink, beginning("/other/METADATA_UPDATED"))
    assert [hook.json["name"] for hook in hooks] == ["shared once more"]
