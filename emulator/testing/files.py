"""Files of a world's systems, put there and read by a test as one of its users."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from emulator.testing.errors import Refused, speaks_for_itself
from emulator.testing.transfers import form, saved
from emulator.testing.wire import accepted

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from emulator.testing.desk import Desk

__tracebackhide__ = speaks_for_itself


class Files:
    """``system`` is a system's id; without one, the user's default storage system. Paths are agave paths there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def put(self, path: str, content: bytes | str | Path, system: str = "") -> str:
        """Upload a file (text, bytes, or a file of this machine), making its directory; its ``agave://`` URI.

        ``submit(appId=…, inputs={"picture": world.files.put("in/picture.png", Path("picture.png"))})``
        """
        system = system or self.default_system()
        directory, _, name = path.rpartition("/")
        data = content.encode() if isinstance(content, str) else content
        try:
            self._upload(system, directory, name, data)
        except Refused as refused:
            if refused.status != 404 or not directory:
                raise
            self.mkdir(directory, system)
            self._upload(system, directory, name, data)
        return f"agave://{system}/{path}"

    def mkdir(self, path: str, system: str = "") -> None:
        """Make a directory and those above it; an existing one is fine. Raises Refused."""
        system = system or self.default_system()
        root, first = ("/" if path.startswith("/") else ""), path.strip("/")
        first, _, rest = first.partition("/")
        if rest:
            try:
                # who may not write at the top may still do so in a home
                self._make(self._media(system, f"{root}{first}"), rest)
                return
            except Refused as refused:
                if refused.status != 404:
                    raise
        self._make(self._media(system, root), path)

    def read(self, path: str, system: str = "") -> bytes:
        """The content of a file. Raises Refused."""
        return self._send("GET", self._media(system or self.default_system(), path))

    def download(self, path: str, to: str | Path, system: str = "") -> Path:
        """Write the content of a file, however large, into a file of this machine. Raises Refused, NoEmulator."""
        where = self._media(system or self.default_system(), path)
        return saved(self._ask("GET", where, whole=False), Path(to))

    def list(self, path: str = "", system: str = "") -> list[str]:
        """The names in a directory."""
        where = quote(path.strip("/") if not path.startswith("/") else path)
        listing = self._desk.call(
            "GET",
            f"files/v2/listings/system/{system or self.default_system()}/{where}",
            query={"limit": 10_000},
        )
        return sorted(entry["name"] for entry in listing if entry["name"] != ".")

    def default_system(self) -> str:
        """The storage system that paths without one lie on. Raises Refused where there is none."""
        query = {"type": "STORAGE", "default": "true", "limit": 1}
        found: list[dict[str, Any]] = self._desk.call("GET", "systems/v2", query=query)
        if not found:
            raise Refused(404, "the user has no default storage system; name one", "files")
        return str(found[0]["id"])

    def _make(self, where: str, path: str) -> None:
        body = json.dumps({"action": "mkdir", "path": path}).encode()
        self._send("PUT", where, body=body, headers={"Content-Type": "application/json"})

    def _media(self, system: str, path: str) -> str:
        return f"files/v2/media/system/{system}/{quote(path)}"

    def _upload(self, system: str, directory: str, name: str, content: bytes | Path) -> None:
        body, headers = form("fileToUpload", name, content)
        self._send("POST", self._media(system, directory), body=body, headers=headers)

    def _send(self, method: str, path: str, **options: Any) -> bytes:
        content: bytes = self._ask(method, path, **options).data
        return content

    def _ask(self, method: str, path: str, **options: Any) -> BaseHTTPResponse:
        return accepted(self._desk.request(method, path, **options), f"{method} /{path}")
