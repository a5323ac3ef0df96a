"""The WSGI environ of a request [PEP 3333]."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import unquote_to_bytes

from emulator.server.http1 import FileWrapper, Request
from emulator.server.stand_in import Target

Address = tuple[Any, ...]
"""Host and port, followed in IPv6 by flow and scope."""


def build_environ(
    request: Request,
    stream: Any,
    *,
    scheme: str,
    server: Address,
    peer: Address,
    target: Target | None = None,
    authority: str = "",
) -> dict[str, Any]:
    """Describe `request`, whose body is read from `stream`, to an application.

    `target` is what a request in absolute form asks for: it counts more than a Host field [RFC 9112
    §3.2.2]. `authority` is the host for a request that names none.

    `RAW_URI` is the target as it was sent, from its path on: the only place that tells `%2F` from `/`. `PATH_INFO` is
    unescaped, its bytes as latin-1. Fields that were sent twice are joined, as HTTP allows.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": request.uri,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": "HTTP/{}.{}".format(*request.version),
        "SERVER_SOFTWARE": "tapis-emulator",
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    for name, value in request.headers:
        key = name.replace("-", "_")
        if name not in ("CONTENT-TYPE", "CONTENT-LENGTH"):
            key = f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if name == 'COOKIE' else ','}{value}"
        environ[key] = value
    if target is not None:
        environ |= {
            "HTTP_HOST": target.authority,
            "RAW_URI": target.origin_form,
            "wsgi.url_scheme": target.scheme,
        }
    elif authority:
        environ.setdefault("HTTP_HOST", authority)
    return environ
