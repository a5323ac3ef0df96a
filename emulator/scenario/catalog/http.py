"""What rules can do to requests: at ``http.<operation>``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

_HTTP = ("http.*",)
_AFTER = Argument(Unit.FLAG, False, "the work is done, and only its answer is lost")
_FORMAT = Argument(Unit.TEXT, "", "instead of what the request or the setting asks for", ("", "json", "xml"))
_MESSAGE = Argument(Unit.TEXT, "", "instead of the usual words")
_CHUNKED = Argument(Unit.FLAG, False, "the answer comes in chunks, without its length")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\s*:[^\x00-\x08\x0a-\x1f\x7f]*")
_FRAMING = ("content-length", "transfer-encoding", "connection")

GATEWAY_CODES = (
    900800,
    900900,
    900901,
    900902,
    900903,
    900904,
    900906,
    900907,
    900908,
    101500,
    101503,
    101504,
    303001,
)


def _status_mistake(args: Mapping[str, Any]) -> str:
    if not 200 <= args["code"] <= 599:
        return f"code is a status of HTTP from 200 to 599, not {args['code']}"
    if args["by"] == "gateway" and args["code"] not in (401, 403, 429, 502, 503, 504):
        return "by: gateway goes with the codes 401, 403, 429, 502, 503 and 504; for others name its fault: `gateway`"
    for line in args["headers"].splitlines():
        if line.strip() and not (_HEADER.fullmatch(line) and line.isascii()):
            return f"headers has one `Name: value` on each line, which {line[:80]!a} is not"
        if line.partition(":")[0].strip().lower() in _FRAMING:
            return f"{line[:80]!a} is the server's to say; for answers that are cut there is `truncate`"
    if not (args["content_type"].isascii() and args["content_type"].isprintable()):
        return "content_type is one line of ASCII, such as text/plain"
    return ""


def _rate_mistake(args: Mapping[str, Any]) -> str:
    return "" if args["rate"] > 0 else "rate is more than 0; what never comes is `hold`"


def _page_mistake(args: Mapping[str, Any]) -> str:
    code = args["code"]
    return (
        "" if code is None or 200 <= code <= 599 else f"code is a status of HTTP from 200 to 599, not {code}"
    )


ACTIONS = (
    ActionKind(
        name="status",
        points=_HTTP,
        text="The answer is an error of this status, as the service or the gateway words it; nothing was done.",
        args={
            "code": Argument(Unit.NUMBER, text="the status"),
            "message": _MESSAGE,
            "by": Argument(
                Unit.TEXT, "", "who answers; else the gateway for its own codes", ("", "service", "gateway")
            ),
            "body": Argument(Unit.TEXT, None, "the whole body, instead of the usual one"),
            "content_type": Argument(Unit.TEXT, "application/json", "of the body, where one is given"),
            "headers": Argument(Unit.TEXT, "", "further header fields, one on each line"),
            "after": _AFTER,
        },
        main="code",
        mistake=_status_mistake,
    ),
    ActionKind(
        name="throttle",
        points=_HTTP,
        text="429 of the gateway, which says when to come again.",
        args={
            "retry_after": Argument(Unit.DURATION, 60.0, "what Retry-After says, in whole seconds"),
            "message": _MESSAGE,
            "format": _FORMAT,
        },
        main="retry_after",
    ),
    ActionKind(
        name="gateway",
        points=_HTTP,
        text="A fault of the gateway by its code, in JSON or XML; the service never hears of the request.",
        args={
            "code": Argument(Unit.NUMBER, text="the gateway's code", choices=GATEWAY_CODES),
            "message": _MESSAGE,
            "format": _FORMAT,
            "after": _AFTER,
        },
        main="code",
    ),
    ActionKind(
        name="slow-body",
        points=_HTTP,
        text="The body comes slowly: that of the answer, or that of the request on its way to the service.",
        args={
            "rate": Argument(Unit.RATE, text="by the world's clock"),
            "side": Argument(Unit.TEXT, "answer", "whose body", ("answer", "request")),
        },
        main="rate",
        mistake=_rate_mistake,
    ),
    ActionKind(
        name="truncate",
        points=_HTTP,
        text="The work is done; the answer's head is right, but the connection closes within its body.",
        args={
            "bytes": Argument(Unit.SIZE, None, "so much of the body comes; a shorter one comes whole"),
            "share": Argument(Unit.SHARE, 0.5, "or this part of it"),
            "chunked": _CHUNKED,
        },
        main="bytes",
    ),
    ActionKind(
        name="reset",
        points=_HTTP,
        text="The connection is reset (RST), at once and with nothing done, or within the answer.",
        args={
            "bytes": Argument(
                Unit.SIZE, None, "the work is done, and so much of the answer's body comes before"
            ),
            "after": Argument(Unit.FLAG, False, "the work is done, and nothing of its answer comes"),
            "chunked": _CHUNKED,
        },
        main="bytes",
    ),
    ActionKind(
        name="malformed-json",
        points=_HTTP,
        text="The work is done; its answer is no JSON: cut off, badly written, a proxy's page, nothing at all.",
        args={
            "way": Argument(
                Unit.TEXT, "cut", "how; a page where the answer is none", ("cut", "comma", "html", "empty")
            ),
            "code": Argument(
                Unit.NUMBER, None, "another status than the answer's own; 200 for html and empty"
            ),
        },
        main="way",
        mistake=_page_mistake,
    ),
    ActionKind(
        name="expire-token",
        points=_HTTP,
        text="The token of the request has just expired: 401, for this request and for all later ones with it.",
    ),
)
