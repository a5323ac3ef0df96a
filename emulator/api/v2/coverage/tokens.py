"""Tokens: OAuth 2 as the API gateway speaks it [auth §4, §5]."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import (
    AGAVE_CLI,
    AGAVEPY,
    COURSE,
    IMPLEMENTED,
    TAPIS_CLI,
    Difference,
    Operation,
)

OPERATIONS = (
    Operation(
        "tokens.create",
        "POST",
        "/token",
        "Issue a token, by any grant type",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI, COURSE),
        differences=(
            Difference(
                "A refresh leaves the old tokens alive (auth.revoke_on_refresh).",
                "Every tapis-cli command begins with a refresh, and processes share one cache.",
            ),
        ),
    ),
    Operation(
        "tokens.revoke",
        "POST",
        "/revoke",
        "Revoke an access or refresh token",
        IMPLEMENTED,
        clients=(AGAVE_CLI,),
    ),
    Operation(
        "tokens.authorize",
        "GET",
        "/authorize",
        "Ask the user for consent and hand out an authorization code or an implicit token",
        IMPLEMENTED,
        clients=(),
    ),
    Operation(
        "tokens.grant",
        "POST",
        "/authorize",
        "Take the user's answer to the consent form",
        IMPLEMENTED,
        clients=(),
    ),
    Operation(
        "tokens.userInfo",
        "GET",
        "/oauth2/userinfo",
        "Show who the token stands for, in the terms of OpenID",
        IMPLEMENTED,
        clients=(),
    ),
    Operation(
        "tokens.headers",
        "GET",
        "/headers/v0.1",
        "Show the assertions that the gateway adds to a request",
        IMPLEMENTED,
        clients=(AGAVE_CLI,),
    ),
)
