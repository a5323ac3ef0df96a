"""Events of every kind of resource reach those who subscribed, under their names [notifications §5, §6, §7]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.real.webhook_sink import Hook, WebhookSink
from tests.served import Api, course_document

EVENT = "${EVENT}"


class Ground:
    """Things of the default user's to be told about."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.count = 0
        self.system = self.new_system("ground.storage")

    def new_system(self, name: str) -> dict[str, Any]:
        login = {"type": "PASSWORD", "username": "u", "password": "p"}
        storage = {
            "host": f"{name}.example.org",
            "port": 22,
            "protocol": "SFTP",
            "rootDir": "/",
            "homeDir": "/home",
            "auth": login,
        }
        definition = {"id": name, "name": name, "type": "STORAGE", "storage": storage}
        made: dict[str, Any] = self.api.call("POST", "systems/v2", json=definition)
        return made

    def another_system(self) -> dict[str, Any]:
        self.count += 1
        return self.new_system(f"ground.storage.{self.count}")

    def file(self) -> dict[str, Any]:
        self.count += 1
        files = {"fileToUpload": (f"told {self.count}.txt", b"text")}
        made: dict[str, Any] = self.api.call(
            "POST", f"files/v2/media/system/{self.system['id']}/", files=files
        )
        return made

    def media(self, record: dict[str, Any], kind: str = "media") -> str:
        return f"files/v2/{kind}/system/{record['systemId']}/{record['path']}"

    def app(self) -> dict[str, Any]:
        """A private copy of the public app's definition."""
        self.count += 1
        definition = course_document("app.json")
        public = self.api.call("GET", "apps/v2/classifier-1.0.0")
        names = ("deploymentPath", "deploymentSystem", "templatePath", "testPath", "executionSystem")
        private = definition | {name: public[name] for name in names}
        made: dict[str, Any] = self.api.call("POST", "apps/v2", json=private | {"name": f"told{self.count}"})
        return made

    def metadata(self, **more: Any) -> dict[str, Any]:
        body = {"name": "told", "value": {"a": 1}} | more
        made: dict[str, Any] = self.api.call("POST", "meta/v2/data", json=body)
        return made

    def postit(self) -> dict[str, Any]:
        body = {"url": f"{self.api.url}/systems/v2/{self.system['id']}", "method": "GET"}
        made: dict[str, Any] = self.api.call("POST", "postits/v2", json=body)
        return made


@pytest.fixture(scope="module")
def ground(api: Api) -> Ground:
    return Ground(api)


def subscribe(api: Api, uuid: str, url: str, event: str = "*", persistent: bool = True) -> dict[str, Any]:
    body = {"url": url, "event": event, "associatedUuid": uuid, "persistent": persistent}
    made: dict[str, Any] = api.call("POST", "notifications/v2", 201, json=body)
    return made


def names(hooks: list[Hook]) -> list[str]:
    """The events, from URLs that are ``/${EVENT}``."""
    return [hook.path.strip("/").partition("?")[0] for hook in hooks]


def told(api: Api, sink: WebhookSink, uuid: str, act: Callable[[], object], count: int) -> list[Hook]:
    """What a subscription to everything about a resource is sent for an action, and nothing more."""
    made = subscribe(api, uuid, f"{sink.url}/{EVENT}")
    act()
    sink.wait_for(count)
    end = f"notifications/v2/{made['id']}"
    api.call("POST", f"{end}/attempts")  # the last message of all, as it is sent only when it is asked for
    api.call("DELETE", end)
    hooks = sink.wait_for(count + 1)
    assert names(hooks)[count:] == ["FORCED_EVENT"], names(hooks)
    return hooks[:count]


def test_systems(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    system = ground.another_system()
    path = f"systems/v2/{system['id']}"
    role = {"username": "student01", "role": "USER"}

    def act() -> None:
        api.call("PUT", path, json={"action": "disable"})
        api.call("PUT", path, json={"action": "enable"})
        api.call("PUT", path, json={"action": "setDefault"})
        api.call("PUT", path, json={"action": "unsetDefault"})
        api.call("POST", f"{path}/roles", json=role)
        api.call("DELETE", f"{path}/roles/student01")
        api.call("DELETE", path)

    hooks = told(api, webhook_sink, system["uuid"], act, 7)
    assert names(hooks) == [
        "DISABLED",
        "ENABLED",
        "SET_USER_DEFAULT",
        "UNSET_USER_DEFAULT",
        "ROLES_GRANT",
        "ROLES_REVOKE",
        "DELETED",
    ]
    body = hooks[0].json
    assert (body["id"], body["uuid"], body["available"]) == (system["id"], system["uuid"], False)
    assert body["_links"]["self"]["href"] == f"{api.url}/{path}"
    assert "password" not in hooks[0].body.decode()


def test_apps(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    app = ground.app()
    path = f"apps/v2/{app['id']}"
    definition = {name: value for name, value in app.items() if name != "_links"}

    def act() -> None:
        api.call("POST", path, json=definition | {"label": "another"})
        api.call("PUT", path, json={"action": "disable"})
        api.call("PUT", path, json={"action": "enable"})
        api.call("POST", f"{path}/pems", json={"username": "student01", "permission": "READ"})
        api.call("DELETE", f"{path}/pems/student01")
        api.call("DELETE", path)

    hooks = told_of_one_that_goes(api, webhook_sink, app["uuid"], act, 6)
    assert names(hooks)[0] == "UPDATED" and names(hooks)[1] == "DISABLED"
    assert names(hooks)[3:] == ["PERMISSION_GRANT", "PERMISSION_REVOKE", "DELETED"]
    assert hooks[0].json["id"] == app["id"] and hooks[0].json["label"] == "another"


def told_of_one_that_goes(
    api: Api, sink: WebhookSink, uuid: str, act: Callable[[], object], count: int
) -> list[Hook]:
    """As ``told``, for a resource whose subscriptions end with it: the last event still goes out."""
    made = subscribe(api, uuid, f"{sink.url}/{EVENT}")
    act()
    hooks = sink.wait_for(count)
    assert len(hooks) == count
    missing = api.refused("GET", f"notifications/v2/{made['id']}", 404)
    assert missing == f"Notification {made['id']} has been deleted."
    return hooks


def test_files_and_their_system(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    record = ground.file()
    subscribe(api, ground.system["uuid"], f"{webhook_sink.url}/{EVENT}?of=system", persistent=True)
    subscribe(
        api,
        record["uuid"],
        f"{webhook_sink.url}/{EVENT}?of=file&${{UUID}}&${{SYSTEM}}&${{PATH}}&${{TYPE}}&${{FORMAT}}",
    )
    grant = {"username": "student01", "permission": "READ"}
    api.call("POST", ground.media(record, "pems"), json=grant)
    hooks = webhook_sink.wait_for(2)
    by_target = {hook.path.partition("?of=")[2].partition("&")[0]: hook for hook in hooks}
    own, system = by_target["file"], by_target["system"]
    path = record["path"].replace("/", "%2F").replace(" ", "%20")
    assert own.path == (f"/PERMISSION_GRANT?of=file&{record['uuid']}&{ground.system['id']}&{path}&file&raw")
    assert system.path.startswith("/SYSTEM_PERMISSION_GRANT?")
    body = own.json
    assert {name: body[name] for name in ("uuid", "path", "systemId", "status", "createdBy")} == {
        "uuid": record["uuid"],
        "path": record["path"],
        "systemId": ground.system["id"],
        "status": "PERMISSION_GRANT",
        "createdBy": "testuser",
    }
    assert system.json["uuid"] == record["uuid"]
    assert system.json["status"] == "SYSTEM_PERMISSION_GRANT"


def test_overwriting_a_file(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    record = ground.file()
    name = record["path"].rpartition("/")[2]

    def act() -> None:
        files = {"fileToUpload": (name, b"other text")}
        api.call("POST", f"files/v2/media/system/{ground.system['id']}/", files=files)

    hooks = told(api, webhook_sink, record["uuid"], act, 3)
    assert names(hooks) == ["STAGING_QUEUED", "UPLOAD", "STAGING_COMPLETED"]


def test_metadata_and_what_it_is_about(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    about = ground.another_system()
    item = ground.metadata(associationIds=[about["uuid"]])
    subscribe(api, about["uuid"], f"{webhook_sink.url}/{EVENT}?of=system")
    subscribe(api, item["uuid"], f"{webhook_sink.url}/{EVENT}?of=item")
    body = {"name": "told", "value": {"a": 2}, "associationIds": [about["uuid"]]}
    api.call("POST", f"meta/v2/data/{item['uuid']}", json=body)
    hooks = webhook_sink.wait_for(2)
    assert {hook.path for hook in hooks} == {"/UPDATED?of=item", "/METADATA_UPDATED?of=system"}
    assert {hook.json["uuid"] for hook in hooks} == {item["uuid"]}
    assert hooks[0].json["value"] == {"a": 2}


def test_metadata_items_and_schemas(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    item = ground.metadata()
    schema = api.call("POST", "meta/v2/schemas", json={"type": "object", "title": "told"})
    for path, uuid in (("data", item["uuid"]), ("schemas", schema["uuid"])):
        subscribe(api, uuid, f"{webhook_sink.url}/{EVENT}?{path}")
        pems = f"meta/v2/{path}/{uuid}/pems"
        api.call("POST", pems, json={"username": "student01", "permission": "READ"})
        api.call("DELETE", f"{pems}/student01")
    hooks = webhook_sink.wait_for(4)
    assert sorted(hook.path for hook in hooks) == [
        "/PERMISSION_GRANT?data",
        "/PERMISSION_GRANT?schemas",
        "/PERMISSION_REVOKE?data",
        "/PERMISSION_REVOKE?schemas",
    ]


def test_postits(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    postit = ground.postit()
    uuid = postit["postit"] if "postit" in postit else postit["id"]
    uuid = uuid if uuid.endswith("-010") else f"{uuid}-010"

    def act() -> None:
        api.call("POST", f"postits/v2/update/{uuid}", json={"maxUses": 5})
        api.call("DELETE", f"postits/v2/{uuid}")

    assert names(told(api, webhook_sink, uuid, act, 2)) == ["UPDATED", "DELETED"]


def test_profiles(api: Api, admin: Api, webhook_sink: WebhookSink) -> None:
    user = {"username": "told-of", "password": "a password", "email": "told@example.org"}
    made = admin.call("POST", "profiles/v2", json=user)
    subscription = subscribe(api, made["uuid"], f"{webhook_sink.url}/{EVENT}")
    assert subscription["_links"]["profile"] == {"href": f"{api.url}/profiles/v2/told-of"}
    admin.call("PUT", "profiles/v2/told-of", json={"email": "new@example.org"})
    admin.call("DELETE", "profiles/v2/told-of")
    hooks = webhook_sink.wait_for(2)
    assert names(hooks) == ["UPDATED", "DELETED"]
    assert (hooks[0].json["username"], hooks[0].json["email"]) == ("told-of", "new@example.org")
    assert not any("a password" in hook.body.decode() for hook in hooks)


def test_a_system_that_is_erased(admin: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    system = ground.another_system()
    hooks = told_of_one_that_goes(
        admin,
        webhook_sink,
        system["uuid"],
        lambda: admin.call("PUT", f"systems/v2/{system['id']}", json={"action": "erase"}),
        1,
    )
    assert names(hooks) == ["ERASED"]


def test_a_job_its_app_and_its_system(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    app = ground.app()
    system = api.call("GET", f"systems/v2/{app['executionSystem']}")
    subscribe(api, app["uuid"], f"{webhook_sink.url}/{EVENT}?of=app&${{UUID}}")
    on_system = subscribe(api, system["uuid"], f"{webhook_sink.url}/{EVENT}?of=system&${{UUID}}")
    request = course_document("job-public.json") | {"appId": app["id"]}
    request["notifications"] = [
        {"url": f"{webhook_sink.url}/{EVENT}?of=job&${{UUID}}", "event": "*", "persistent": True}
    ]
    job = api.call("POST", "jobs/v2", json=request)
    assert api.wait_for_job(job["id"]) == "FINISHED"
    hooks = webhook_sink.wait_for(10 + 1 + 4)
    api.call("DELETE", f"notifications/v2/{on_system['id']}")

    def of(what: str, uuid: str) -> list[str]:
        return [names([hook])[0] for hook in hooks if hook.path.endswith(f"?of={what}&{uuid}")]

    assert of("app", app["uuid"]) == ["JOB_CREATED"]
    assert of("system", system["uuid"]) == ["JOB_CREATED", "JOB_QUEUED", "JOB_RUNNING", "JOB_FINISHED"]
    assert of("job", job["id"])[0] == "PENDING" and of("job", job["id"])[-1] == "FINISHED"
    assert {hook.json["id"] for hook in hooks} == {job["id"]}


def test_notifications_about_notifications(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    system = ground.another_system()
    watched = subscribe(api, system["uuid"], f"{webhook_sink.url}/watched/{EVENT}")
    path = f"notifications/v2/{watched['id']}"

    def act() -> None:
        webhook_sink.answer(500)
        api.call("PUT", f"systems/v2/{system['id']}", json={"action": "disable"})
        webhook_sink.wait_for(4)  # the message, twice, and what is told of both
        api.call("POST", f"{path}/attempts")
        webhook_sink.wait_for(6)
        api.call("POST", path, json={"url": "x@example.org", "event": "*"})
        api.call("DELETE", path)

    made = subscribe(api, watched["id"], f"{webhook_sink.url}/{EVENT}")
    act()
    hooks = [hook for hook in webhook_sink.wait_for(8) if not hook.path.startswith("/watched")]
    assert names(hooks) == ["SEND_ERROR", "SUCCESS", "FORCED_ATTEMPT", "UPDATED", "DELETED"]
    assert {hook.json["id"] for hook in hooks} == {watched["id"]}
    assert hooks[1].json["responseCode"] == 200
    api.call("DELETE", f"notifications/v2/{made['id']}")


def test_admins_hear_of_everything_in_their_world(
    api: Api, admin: Api, ground: Ground, webhook_sink: WebhookSink
) -> None:
    made = subscribe(admin, "*", f"{webhook_sink.url}/{EVENT}?${{UUID}}")
    system = ground.another_system()
    item = ground.metadata()
    postit = ground.postit()
    webhook_sink.wait_for(3)
    admin.call("DELETE", f"notifications/v2/{made['id']}")
    hooks = webhook_sink.wait_for(3)
    assert [hook.path for hook in hooks[:2]] == [f"/CREATED?{system['uuid']}", f"/CREATED?{item['uuid']}"]
    assert postit["postit" if "postit" in postit else "id"].split("-")[0] in hooks[2].path
    # its own deliveries are no news to it: it would never come to rest
    assert len(hooks) == 3


def test_one_that_does_not_persist_fires_once(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    system = ground.another_system()
    subscribe(api, system["uuid"], f"{webhook_sink.url}/{EVENT}?once", persistent=False)
    hooks = told(
        api,
        webhook_sink,
        system["uuid"],
        lambda: [
            api.call("PUT", f"systems/v2/{system['id']}", json={"action": action})
            for action in ("disable", "enable", "disable", "enable")
        ],
        5,
    )
    assert [hook.path for hook in hooks if hook.path.endswith("?once")] == ["/DISABLED?once"]


def test_macros_of_a_system_in_path_and_query(api: Api, ground: Ground, webhook_sink: WebhookSink) -> None:
    system = ground.another_system()
    url = (
        f"{webhook_sink.url}/${{SYSTEM_ID}}/${{STORAGE_HOST}}?home=${{STORAGE_HOMEDIR}}&port=${{STORAGE_PORT}}"
        "&login=${LOGIN_HOST}&up=${STATUS}&public=${PUBLIC}&default=${GLOBAL_DEFAULT}&on=${LAST_UPDATED}"
        "&other=${NO_SUCH_MACRO}"
    )
    subscribe(api, system["uuid"], url)
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "disable"})
    (hook,) = webhook_sink.wait_for(1)
    changed = hook.json["lastModified"].replace(":", "%3A")
    assert hook.path == (
        f"/{system['id']}/{system['id']}.example.org?home=%2Fhome&port=22&login=&up=UP&public=false"
        f"&default=false&on={changed}&other=$%7BNO_SUCH_MACRO%7D"
    )


def test_mails_about_other_resources(api: Api, ground: Ground) -> None:
    from tests.real.waiting import wait_until

    system = ground.another_system()
    subscribe(api, system["uuid"], "told-by-mail@example.org")
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "disable"})

    def mails() -> list[dict[str, str]]:
        found: list[dict[str, str]] = api.request(
            "GET", "_emulator/mailbox?to=told-by-mail@example.org"
        ).json()
        return found

    wait_until(lambda: len(mails()) == 1)
    (mail,) = mails()
    assert mail["subject"] == f"System {system['uuid']} received a DISABLED event"
    assert mail["text"].startswith(f"System {system['uuid']} received a DISABLED event.\n\n")
    assert f"URL: {api.url}/systems/v2/{system['id']}\n" in mail["text"]
    assert "<strong>Name:</strong>" in mail["html"]
