"""``/_emulator/worlds/<w>/webhooks``: a receiver for webhooks, so that a test needs no HTTP server of its own."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

from flask import Response, request

from emulator.api import json_text
from emulator.api.control.access import check_control, check_sight
from emulator.api.control.answers import answer
from emulator.api.control.bodies import Kinds, body
from emulator.api.control.waiting import as_soon_as, whole
from emulator.api.edge import services
from emulator.domain.moments import utc_text
from emulator.domain.webhook import HookAnswer, ReceivedHook

_ANSWER: Kinds = {
    "path": ((str,), "a string"),
    "status": ((int,), "a whole number"),
    "times": ((int, type(None)), "a whole number or null"),
    "headers": ((dict,), "an object of strings"),
    "body": ((str,), "a string"),
}

_CHANGED = "The receiver of webhooks is changed"


def receive(world: str, path: str) -> Response:
    """Keep the request whatever it holds, up to the size of any other body, and answer as asked for; else 200."""
    check_sight(world)
    content = request.get_data()
    chosen = services().webhooks.receive(
        world,
        request.method,
        path,
        request.query_string.decode("latin-1"),
        dict(request.headers),
        content,
    )
    return Response(chosen.body, status=chosen.status, headers=chosen.headers)


def list_webhooks(world: str) -> Response:
    """What was received, oldest first: ``received``, and the ``url`` below which everything is taken.

    ``?after=<seq>`` leaves out what came before; ``?path=<path>`` chooses one path. With ``?wait=<seconds>`` the
    answer comes as soon as there is one. ``next`` is the number to go on after.
    """
    check_sight(world)
    after, path = whole("after", 0), request.args.get("path")

    def look() -> list[ReceivedHook]:
        found = services().webhooks.received(world, after)
        return [hook for hook in found if path in (None, hook.path)]

    hooks = as_soon_as(world, bool, look)
    return answer(
        {
            "url": services().webhooks.url(world),
            "received": [_hook(hook) for hook in hooks],
            "next": hooks[-1].seq if hooks else after,
        }
    )


def empty_webhooks(world: str) -> Response:
    """Forget what was received; numbers go on."""
    check_control(_CHANGED)
    return answer({"removed": services().webhooks.empty(world)})


def list_answers(world: str) -> Response:
    """What the next requests will be answered, in this order."""
    check_sight(world)
    return answer([_answer(each) for each in services().webhooks.answers(world)])


def add_answer(world: str) -> Response:
    """``{"status": 500, "times": 3, "path": "*", "headers": {}, "body": ""}``: only ``status`` must be there.

    It holds for paths of the glob, ``times`` times (default: for ever), after the answers asked for before.
    """
    check_control(_CHANGED)
    fields = body(_ANSWER, required=("status",))
    headers = fields.get("headers", {})
    chosen = services().webhooks.answer_with(
        HookAnswer(
            world=world,
            path=fields.get("path", "*"),
            status=fields["status"],
            left=fields.get("times"),
            headers={name: str(value) for name, value in headers.items()},
            body=fields.get("body", ""),
        )
    )
    return answer(_answer(chosen), 201)


def forget_answers(world: str) -> Response:
    """Answer 200 again."""
    check_control(_CHANGED)
    return answer({"removed": services().webhooks.forget_answers(world)})


def _answer(each: HookAnswer) -> dict[str, Any]:
    return {
        "path": each.path,
        "status": each.status,
        "times": each.left,
        "headers": each.headers,
        "body": each.body,
    }


def _hook(hook: ReceivedHook) -> dict[str, Any]:
    """``body`` is the text, or null where it is none; ``json`` is there when it is JSON."""
    document: dict[str, Any] = {
        "seq": hook.seq,
        "method": hook.method,
        "path": hook.path,
        "query": hook.query,
        "headers": hook.headers,
        "received": utc_text(hook.received),
        "answered": hook.answered,
    }
    try:
        text = document["body"] = hook.body.decode("utf-8")
    except UnicodeDecodeError:
        return document | {"body": None, "bodyBase64": base64.b64encode(hook.body).decode()}
    with suppress(ValueError, RecursionError):  # most are JSON, none has to be
        document["json"] = json_text.parse(text)
    return document
