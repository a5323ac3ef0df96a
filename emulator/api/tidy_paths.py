"""Paths as routes know them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_FILES = re.compile(r"/*files/+v2/+([a-z]+)(.*)", re.DOTALL)


class TidyPaths:
    """Serves every route with and without trailing or doubled slashes, never by a redirect.

    Inside the path of a file, slashes mean something and are left alone [conventions §1].
    """

    def __init__(self, app: Callable[[Any, Any], Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        files = _FILES.fullmatch(path)
        if files:
            environ["PATH_INFO"] = f"/files/v2/{files[1]}{files[2]}"
        else:
            environ["PATH_INFO"] = "/" + re.sub("/{2,}", "/", path).strip("/")
        return self._app(environ, start_response)
