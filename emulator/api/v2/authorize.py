"""Where a user lets a client act for it: a login form, the only page for eyes [auth §5].

A browser is sent back to the callback that the client has registered and to nowhere else. The form carries the
password itself and nothing is remembered between requests (no cookies), so there is no session that another
site could ride on; forms that come from other sites are refused all the same, lest a user be logged in as
somebody else unawares.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, render_template_string, request

from emulator.api.edge import base_url, only_world, services
from emulator.api.v2.tokens import form_fields
from emulator.api.v2.wire import NO_STORE
from emulator.domain.errors import OAuthRefused
from emulator.domain.identity import ApiClient
from emulator.services.tokens import is_scope, scope_of

_ASKED = ("client_id", "response_type", "redirect_uri", "scope", "state")
_HEADERS = NO_STORE | {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # without it browsers would not tell our own form from another site's
    "Referrer-Policy": "same-origin",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Authorize {{ client.name }}</title></head>
<body>
<h1>{{ client.name }} asks to act for you</h1>
<p>It was registered by {{ client.owner }} and will receive the answer at {{ client.callback_url }}.</p>
{% if problem %}<p role="alert">{{ problem }}</p>{% endif %}
<form method="post">
{% for name, value in asked.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}<p><label>Username <input name="username" autocomplete="username" value="{{ username }}"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button name="answer" value="allow">Log in and allow</button>
<button name="answer" value="deny">Deny</button></p>
</form>
</body>
</html>
"""


def show_login_form() -> Response:
    """The form, or the way back with an error that the client itself has caused."""
    asked = {name: request.args.get(name, "") for name in _ASKED}
    client = services().authorizations.client(asked["client_id"], asked["redirect_uri"], only_world())
    mistake = _mistake(asked)
    return _back(client, asked, mistake) if mistake else _form(client, asked)


def take_login() -> Response:
    """Send the browser back with a code or a token; with a wrong password ask again."""
    _check_origin()
    given = form_fields()
    asked = {name: given.get(name, "") for name in _ASKED}
    client = services().authorizations.client(asked["client_id"], asked["redirect_uri"], only_world())
    mistake = _mistake(asked)
    if mistake:
        return _back(client, asked, mistake)
    if given.get("answer") == "deny":
        return _back(client, asked, {"error": "access_denied"})
    username, service = given.get("username", ""), services().authorizations
    if not service.knows(client, username, given.get("password", "")):
        return _form(client, asked, f"Authentication failed for {username}", username, 401)
    if asked["response_type"] == "code":
        return _back(client, asked, {"code": service.code(client, username, scope_of(asked)).code})
    token = service.token(client, username, scope_of(asked))
    answer = {
        "access_token": token.access_token,
        "token_type": "bearer",
        "expires_in": services().tokens.seconds_left(token),
    }
    return _back(client, asked, answer)


def _mistake(asked: dict[str, str]) -> dict[str, str] | None:
    """What the client has got wrong, as parameters of the way back (RFC 6749 §4.1.2.1)."""
    if not asked["response_type"]:
        return {"error": "invalid_request", "error_description": "Missing parameters: response_type"}
    if asked["response_type"] not in ("code", "token"):
        return {"error": "unsupported_response_type"}
    if not is_scope(asked["scope"]):
        return {"error": "invalid_scope"}
    return None


def _check_origin() -> None:
    """Raise OAuthRefused for a form that another site has shown."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc not in (request.host, urlsplit(base_url()).netloc):
        raise OAuthRefused("invalid_request", "The login form was not sent from this server's own page")


def _back(client: ApiClient, asked: dict[str, str], answer: dict[str, Any]) -> Response:
    """302 to the client's callback; a token goes into the fragment, which browsers keep to themselves."""
    state = {"state": asked["state"]} if asked["state"] else {}
    parameters = urlencode(answer | state)
    if asked["response_type"] == "token":
        target = f"{client.callback_url}#{parameters}"
    else:
        target = f"{client.callback_url}{'&' if '?' in client.callback_url else '?'}{parameters}"
    response = Response("", status=302, headers=_HEADERS)
    response.headers["Location"] = target
    del response.headers["Content-Type"]
    return response


def _form(
    client: ApiClient, asked: dict[str, str], problem: str = "", username: str = "", status: int = 200
) -> Response:
    page = render_template_string(_PAGE, client=client, asked=asked, problem=problem, username=username)
    return Response(page, status=status, headers=_HEADERS, content_type="text/html; charset=utf-8")
