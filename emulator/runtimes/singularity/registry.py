"""Images of a registry, over the distribution API."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from emulator.runtimes.singularity.archives import Configuration, oci_parts, unpack_stream
from emulator.runtimes.singularity.failure import Fatal, inform

_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_LARGEST_MANIFEST = 8 * 1024 * 1024
_SECONDS = 60
_HUB, _HUB_API = "docker.io", "registry-1.docker.io"
_REFERENCE = re.compile(
    r"(?P<name>[\w./:-]+?)(?::(?P<tag>[\w.-]{1,128}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class Image:
    """One image. Raises Fatal, here and later, when the registry does not answer or refuses."""

    def __init__(self, reference: str, *, plain_http: bool) -> None:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise Fatal(f"invalid reference format: {reference}")
        host, slash, path = match["name"].partition("/")
        if not slash or not ("." in host or ":" in host or host == "localhost"):
            host, path = _HUB, match["name"] if slash else f"library/{match['name']}"
        local = host.split(":")[0] in ("localhost", "127.0.0.1")
        scheme = "http" if plain_http or local else "https"
        self._base = f"{scheme}://{_HUB_API if host == _HUB else host}/v2/{path}"
        self._reference = reference
        self._tokens: dict[str, str] = {}
        content = self._read(f"manifests/{match['digest'] or match['tag'] or 'latest'}")
        self.digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if match["digest"] not in (None, self.digest):
            raise Fatal(f"the registry's answer for {reference} is another image")
        try:
            self._manifest = json.loads(content)
        except ValueError as error:
            raise Fatal(f"the registry's manifest of {reference} is damaged: {error}") from error

    def unpack(self, root: str) -> Configuration:
        """Into the directory ``root``; each part is checked against its digest."""
        inform(f"Downloading {self._reference}")
        parts = oci_parts(self._part, self._manifest)
        for layer in parts.layers:
            with self._part(layer) as stream:
                unpack_stream(stream, root)
        return parts.configuration

    @contextmanager
    def _part(self, digest: str) -> Iterator[BinaryIO]:
        if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
            raise Fatal(f"the image {self._reference} has a part of an unknown kind: {digest!r}")
        with tempfile.TemporaryFile() as file:
            content = hashlib.sha256()
            with self._get(f"blobs/{digest}", f"manifests/{digest}") as answer:
                while piece := answer.read(1024 * 1024):
                    content.update(piece)
                    file.write(piece)
            if f"sha256:{content.hexdigest()}" != digest:
                raise Fatal(f"a part of {self._reference} came damaged: {digest}")
            file.seek(0)
            yield file

    def _read(self, path: str) -> bytes:
        with self._get(path) as answer:
            content = answer.read(_LARGEST_MANIFEST + 1)
        if len(content) > _LARGEST_MANIFEST:
            raise Fatal(f"the registry's manifest of {self._reference} is too large")
        return content

    @contextmanager
    def _get(self, path: str, otherwise: str = "") -> Iterator[BinaryIO]:
        """What is at ``path``, or at ``otherwise`` where that does not exist: indexes name manifests."""
        try:
            try:
                answer = self._open(path)
            except urllib.error.HTTPError as refusal:
                if refusal.code != 404 or not otherwise:
                    raise
                answer = self._open(otherwise)
            with answer:
                yield answer
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise Fatal(f"{self._reference} cannot be pulled: {error}") from error

    def _open(self, path: str) -> BinaryIO:
        request = urllib.request.Request(f"{self._base}/{path}", headers={"Accept": _MANIFESTS})
        for name, value in self._tokens.items():
            request.add_unredirected_header(name, value)  # not for whom we are sent on to
        try:
            found: BinaryIO = urllib.request.urlopen(request, timeout=_SECONDS)
            return found
        except urllib.error.HTTPError as refusal:
            if refusal.code != 401 or self._tokens:
                raise
            self._tokens = {
                "Authorization": f"Bearer {self._token(refusal.headers.get('WWW-Authenticate', ''))}"
            }
        return self._open(path)

    def _token(self, challenge: str) -> str:
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = fields.pop("realm", "")
        if not challenge.lower().startswith("bearer") or not realm.startswith("https://"):
            raise Fatal(f"{self._reference} needs a login, which tapis-emulator's singularity does not know")
        with urllib.request.urlopen(f"{realm}?{urllib.parse.urlencode(fields)}", timeout=_SECONDS) as answer:
            document = json.load(answer)
        return str(document.get("token") or document.get("access_token") or "")
