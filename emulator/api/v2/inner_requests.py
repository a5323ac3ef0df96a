"""Requests that the API makes to itself, past the network: what stands behind a postit or a uuid."""

from __future__ import annotations

from contextvars import Context
from io import BytesIO
from typing import cast
from urllib.parse import unquote_to_bytes

from flask import Response, current_app, request

from emulator.api.edge import ACTS_AS
from emulator.domain.identity import Caller

# ours to say, or about one connection only
_NOT_PASSED_ON = ("connection", "keep-alive", "transfer-encoding", "upgrade", "trailer")


def fetch(path: str, query: str, acts_as: Caller) -> Response:
    """GET ``path`` (escaped, below the base URL) as a user; the body is streamed."""
    environ = {
        key: value
        for key, value in request.environ.items()
        if key not in ("HTTP_AUTHORIZATION", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_TRANSFER_ENCODING")
        and not key.startswith(("werkzeug.", "flask."))
    }
    environ |= {
        "SCRIPT_NAME": "",
        "PATH_INFO": "/" + unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": f"/{path}{'?' if query else ''}{query}",
        "wsgi.input": BytesIO(),
        ACTS_AS: acts_as,
    }
    # a context of its own, else both requests would share what Flask keeps for one
    app = current_app.wsgi_app
    answer = cast(Response, Context().run(lambda: Response.from_app(app, environ)))
    for name in _NOT_PASSED_ON:
        answer.headers.pop(name, None)
    return answer
