"""Messages outlive the emulator: killed (SIGKILL) between an event and its delivery, it sends them afterwards."""

from __future__ import annotations

from pathlib import Path

from tests.live.serve_process import ServeProcess
from tests.real.waiting import wait_until
from tests.real.webhook_sink import WebhookSink
from tests.served import Api


def test_what_was_accepted_is_delivered_after_a_kill(tmp_path: Path, webhook_sink: WebhookSink) -> None:
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"), "--notifications-keep-all-attempts")
    with ServeProcess(tmp_path, *arguments) as first:
        api = Api(first.url)
        uuid = _system(api)
        body = {"url": f"{webhook_sink.url}/${{EVENT}}", "event": "*", "persistent": True}
        made = api.call("POST", "notifications/v2", json=body | {"associatedUuid": uuid})
        with webhook_sink.held():
            for action in ("disable", "enable", "disable"):
                api.call("PUT", "systems/v2/killed.storage", json={"action": action})
            webhook_sink.wait_for(1)
            first.kill()
    with ServeProcess(tmp_path, *arguments) as second:
        api = Api(second.url)
        hooks = webhook_sink.wait_for(4)
        assert [hook.path for hook in hooks] == ["/DISABLED", "/DISABLED", "/ENABLED", "/DISABLED"]
        ids = [hook.headers["x-agave-delivery"] for hook in hooks]
        assert ids[0] == ids[1] and len(set(ids)) == 3  # the same message again, not another
        path = f"notifications/v2/{made['id']}"
        wait_until(lambda: api.call("GET", path)["attempts"] == 3)
        kept = api.call("GET", f"{path}/attempts")
        assert [one["id"] for one in kept] == ids[:0:-1]
        second.kill()
    with ServeProcess(tmp_path, *arguments) as third:
        api = Api(third.url)
        assert api.call("GET", f"{path}/attempts")[0]["response"] == {"code": 200, "message": "200 ok"}
        api.call("PUT", "systems/v2/killed.storage", json={"action": "enable"})
        assert webhook_sink.wait_for(5)[4].path == "/ENABLED"


def _system(api: Api) -> str:
    storage = {
        "host": "killed.example.org",
        "port": 22,
        "protocol": "SFTP",
        "rootDir": "/",
        "homeDir": "/",
        "auth": {"type": "PASSWORD", "username": "u", "password": "p"},
    }
    definition = {"id": "killed.storage", "name": "killed", "type": "STORAGE", "storage": storage}
    return str(api.call("POST", "systems/v2", json=definition)["uuid"])
