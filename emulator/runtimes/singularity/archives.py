"""Tar archives of images: those that ``docker save`` writes, and those of the OCI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.layers import unpack_layer

_LONGEST_DOCUMENT = 8 * 1024 * 1024
_DEEPEST_INDEX = 4
_MOST_LAYERS = 512
_ZSTANDARD = b"\x28\xb5\x2f\xfd"

Opener = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a part of an image by its name or digest. Raises Fatal when there is none."""


@dataclass(frozen=True)
class Configuration:
    """What a Docker image says of itself, as far as it counts here."""

    environment: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Configuration:
        """From an image's configuration. Raises Fatal for one of another form."""
        config = document.get("config") or {}
        try:
            return cls(
                environment=_texts(config.get("Env")),
                entrypoint=_texts(config.get("Entrypoint")),
                command=_texts(config.get("Cmd")),
                labels={str(key): str(value) for key, value in (config.get("Labels") or {}).items()},
            )
        except (AttributeError, TypeError) as error:
            raise Fatal(f"the image's configuration is damaged: {error}") from error


@dataclass(frozen=True)
class Parts:
    """An image: its configuration, and what its layers are called, lowest first."""

    configuration: Configuration
    layers: list[str]


def is_archive(path: str) -> bool:
    """Whether a file is a tar archive of an image. Raises Fatal for a tar of something else."""
    try:
        with tarfile.open(path) as tar:
            names = set()
            for member in tar:
                names.add(_plain(member.name))
                if names & {"manifest.json", "index.json"}:
                    return True
    except (tarfile.TarError, EOFError):
        return False
    raise Fatal(f"{path} is a tar archive, but not of an image: there is no manifest.json in it")


def unpack(path: str, root: str) -> Configuration:
    """Unpack an archive's image into the directory ``root``. Raises Fatal, OSError."""
    try:
        with tarfile.open(path) as tar:
            members = {
                _plain(member.name): member
                for member in tar
                if member.isreg() or member.islnk() or member.issym()
            }

            def opener(name: str) -> AbstractContextManager[BinaryIO]:
                return _open_member(tar, members, name)

            parts = _parts(members, opener)
            for layer in parts.layers:
                with opener(layer) as stream:
                    unpack_stream(stream, root)
            return parts.configuration
    except (tarfile.TarError, EOFError) as error:
        raise Fatal(f"{path} is damaged: {error}") from error


def document(opener: Opener, name: str) -> Any:
    """A JSON document among the parts. Raises Fatal."""
    with opener(name) as stream:
        content = stream.read(_LONGEST_DOCUMENT + 1)
    if len(content) > _LONGEST_DOCUMENT:
        raise Fatal(f"the image's {name} is too large")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Fatal(f"the image's {name} is damaged: {error}") from error


def oci_parts(opener: Opener, index: Any, depth: int = 0) -> Parts:
    """From an index or manifest of the OCI (or Docker's of the same form). Raises Fatal."""
    try:
        if "layers" in index:
            config = document(opener, str(index["config"]["digest"]))
            return Parts(Configuration.of(config), _layers(layer["digest"] for layer in index["layers"]))
        if depth >= _DEEPEST_INDEX:
            raise Fatal("the image's index leads nowhere")
        chosen = _for_this_machine(index["manifests"])
        return oci_parts(opener, document(opener, str(chosen["digest"])), depth + 1)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Fatal(f"the image's manifest is damaged: {error!r}") from error


def unpack_stream(stream: BinaryIO, root: str) -> None:
    """As unpack_layer, for layers packed with zstd too, where this machine has that program."""
    start = stream.read(4)
    stream.seek(0)
    if start != _ZSTANDARD:
        unpack_layer(stream, root)
        return
    if shutil.which("zstd") is None:
        raise Fatal("a layer of the image is packed with zstd, and this machine has no zstd command")
    with subprocess.Popen(["zstd", "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as unzip:
        assert unzip.stdin is not None and unzip.stdout is not None
        feeder = os.fork()
        if feeder == 0:
            status = 1
            try:
                unzip.stdout.close()
                shutil.copyfileobj(stream, unzip.stdin, 1024 * 1024)
                unzip.stdin.close()
                status = 0
            finally:
                os._exit(status)
        unzip.stdin.close()
        unpack_layer(unzip.stdout, root)  # type: ignore[arg-type]
        os.waitpid(feeder, 0)
    if unzip.returncode:
        raise Fatal("a layer of the image is damaged: zstd cannot unpack it")


def _parts(members: dict[str, tarfile.TarInfo], opener: Opener) -> Parts:
    if "manifest.json" not in members:
        return oci_parts(opener, document(opener, "index.json"))
    try:
        described = document(opener, "manifest.json")[0]
        config = document(opener, str(described["Config"]))
        return Parts(Configuration.of(config), _layers(described["Layers"]))
    except (KeyError, TypeError, IndexError) as error:
        raise Fatal(f"the image's manifest.json is damaged: {error!r}") from error


def _open_member(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> BinaryIO:
    algorithm, colon, digest = name.partition(":")
    path = f"blobs/{algorithm}/{digest}" if colon else _plain(name)
    if path not in members:
        raise Fatal(f"the image's archive lacks {path}")
    try:
        stream: Any | None = tar.extractfile(members[path])
    except (KeyError, RecursionError) as error:  # a link to nothing, or in a circle
        raise Fatal(f"the image's archive lacks {path}") from error
    if stream is None:
        raise Fatal(f"the image's archive lacks {path}")
    found: BinaryIO = stream
    return found


def _for_this_machine(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    machine = os.uname().machine
    wanted = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    for manifest in manifests:
        platform = manifest.get("platform") or {}
        if platform.get("architecture") == wanted and platform.get("os", "linux") == "linux":
            return manifest
    if len(manifests) != 1:
        raise Fatal(f"the image is not there for {wanted}, or it is one of several")
    return manifests[0]


def _layers(names: Any) -> list[str]:
    found = [str(name) for name in names]
    if len(found) > _MOST_LAYERS:
        raise Fatal(f"the image's manifest is damaged: {len(found)} layers")
    return found


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return ["/bin/sh", "-c", value]
    return [str(one) for one in value]


def _plain(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))
