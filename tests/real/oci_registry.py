"""A registry of container images on this machine: enough of the distribution API for an engine to pull from.

It serves images that an engine has saved, over plain HTTP on 127.0.0.1, which engines trust. While ``gate`` is
closed the last part of every layer comes a byte at a time, so that a pull can be looked at half way.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PIECE = 64 * 1024


class OciRegistry:
    """See the module. ``pulls`` counts manifests that were asked for by GET; ``broken`` are layers cut short."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.held = threading.Event()
        """Set when a layer is being held back at the closed gate."""
        self.broken_off = threading.Event()
        """Set when somebody hung up in the middle of a layer."""
        self.pulls: list[str] = []
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[str, bytes] = {}
        registry = self

        class Handler(_Handler):
            served = registry

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> OciRegistry:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def publish(self, name: str, saved: bytes) -> str:
        """Offer the image of a ``docker save`` archive; the answer is what to pull it by."""
        with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
            description = json.loads(_read(archive, "manifest.json"))[0]
            layers = [gzip.compress(_read(archive, layer), 1, mtime=0) for layer in description["Layers"]]
            config = _read(archive, description["Config"])
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._descriptor(CONFIG, config),
            "layers": [self._descriptor(LAYER, layer) for layer in layers],
        }
        manifest = json.dumps(document).encode()
        for key in (f"{name}/latest", f"{name}/{_digest(manifest)}"):
            self._manifests[key] = manifest
        return f"{self.address}/{name}:latest"

    def manifest(self, name: str, reference: str) -> bytes | None:
        return self._manifests.get(f"{name}/{reference}")

    def blob(self, digest: str) -> bytes | None:
        return self._blobs.get(digest)

    def _descriptor(self, media_type: str, content: bytes) -> dict[str, Any]:
        digest = _digest(content)
        self._blobs[digest] = content
        return {"mediaType": media_type, "size": len(content), "digest": digest}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: OciRegistry

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.removeprefix("/v2/")
        name, kind, reference = path.rpartition("/manifests/")
        if self.path == "/v2/":
            self._answer(b"{}", "application/json")
        elif kind:
            if self.command == "GET":
                self.served.pulls.append(name)
            self._answer(self.served.manifest(name, reference), MANIFEST)
        else:
            self._answer(self.served.blob(path.rpartition("/blobs/")[2]), "application/octet-stream")

    def _answer(self, content: bytes | None, media_type: str) -> None:
        if content is None:
            body = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
            self.send_response(404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        if media_type == MANIFEST:
            self.send_header("Docker-Content-Digest", _digest(content))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self._send(content, whole=media_type == MANIFEST)
        except OSError:
            self.served.broken_off.set()

    def _send(self, content: bytes, *, whole: bool) -> None:
        sent = 0 if whole else len(content) // 2
        self.wfile.write(content[:sent])
        if len(content) > 16 * PIECE and not self.served.gate.is_set():  # configurations pass
            self.wfile.flush()
            self.served.held.set()
            sent = self._drip(content, sent)
        for start in range(sent, len(content), PIECE):
            self.wfile.write(content[start : start + PIECE])

    def _drip(self, content: bytes, sent: int) -> int:
        """A byte now and then while the gate is closed: engines hang up when more comes that nobody wants any more.

        Answers how much has been sent. Raises OSError when the other side has hung up.
        """
        while sent < len(content) and not self.served.gate.wait(0.05):
            self.wfile.write(content[sent : sent + 1])
            sent += 1
        return sent

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None, name
    return member.read()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
