"""What rules can do about tokens: when one is asked for, and when a request comes with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

_ASKED = ("token.issue", "token.refresh")
_LONGEST = 10 * 365 * 24 * 3600
OAUTH_ERRORS = (
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
)


def _lifetime_mistake(args: Mapping[str, Any]) -> str:
    return "" if 1 <= args["lifetime"] <= _LONGEST else "lifetime is at least a second, and at most ten years"


ACTIONS = (
    ActionKind(
        name="refuse",
        points=("token.*",),
        text="No token, in OAuth's own words; at token.check a single 401, and the token is good afterwards.",
        args={
            "error": Argument(Unit.TEXT, "invalid_grant", "OAuth's code of it", OAUTH_ERRORS),
            "message": Argument(Unit.TEXT, "", "instead of the usual words"),
        },
        main="error",
    ),
    ActionKind(
        name="expire",
        points=("token.check",),
        text="The token is found expired, now and from now on: 401 until the client refreshes it.",
    ),
    ActionKind(
        name="short-lived",
        points=_ASKED,
        text="The token is given, but lives for so long only; expires_in says so.",
        args={"lifetime": Argument(Unit.DURATION, text="by the world's clock, in whole seconds")},
        main="lifetime",
        mistake=_lifetime_mistake,
    ),
    ActionKind(
        name="revoke",
        points=("token.check", "token.refresh"),
        text="The token and its refresh token are revoked for good: the client has to log in again.",
    ),
)
