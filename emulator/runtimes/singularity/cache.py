"""Unpacked images, one directory for each digest, made once however many calls begin at the same time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from emulator.runtimes.singularity.archives import Configuration
from emulator.runtimes.singularity.failure import Fatal

_PIECE = 4 * 1024 * 1024

Fill = Callable[[str], Configuration]
"""Unpacks an image into the empty directory that it is given."""


class Unpacked:
    """An image as a directory: ``root`` is its root, ``configuration`` what it says of itself."""

    def __init__(self, root: str, configuration: Configuration) -> None:
        self.root = root
        self.configuration = configuration


class Cache:
    """At ``SINGULARITY_CACHEDIR`` (or ``APPTAINER_CACHEDIR``), else ``~/.singularity/cache``."""

    def __init__(self, directory: str | None = None) -> None:
        named = os.environ.get("SINGULARITY_CACHEDIR") or os.environ.get("APPTAINER_CACHEDIR")
        home = os.environ.get("HOME") or os.path.expanduser("~")
        base = directory or named or os.path.join(home, ".singularity", "cache")
        self.directory = os.path.join(os.path.abspath(base), "tapis-emulator")

    def image(self, digest: str, fill: Fill) -> Unpacked:
        """The image of a digest; ``fill`` is called when nobody has unpacked it yet.

        What is cut off on the way leaves nothing that would be taken for an image.
        """
        name = digest.replace(":", "-")
        place = os.path.join(self.directory, name)
        if not os.path.isdir(place):
            with self._locked(name):
                if not os.path.isdir(place):
                    self._fill(place, fill)
        with open(os.path.join(place, "configuration.json"), encoding="utf-8") as file:
            return Unpacked(os.path.join(place, "root"), Configuration(**json.load(file)))

    def digest_of(self, path: str) -> str:
        """SHA-256 of a file; worked out once for as long as the file stays as it is."""
        found = os.stat(path)
        identity = f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
        noted = os.path.join(self.directory, "seen", hashlib.sha256(identity.encode()).hexdigest())
        try:
            with open(noted, encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            pass
        content = hashlib.sha256()
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                content.update(piece)
        digest = f"sha256:{content.hexdigest()}"
        os.makedirs(os.path.dirname(noted), exist_ok=True)
        part = f"{noted}.{os.getpid()}"
        with open(part, "w", encoding="ascii") as file:
            file.write(digest)
        os.replace(part, noted)
        return digest

    def _fill(self, place: str, fill: Fill) -> None:
        part = f"{place}.part"  # ours: we hold the lock; what an earlier call left is no use
        _remove_tree(part)
        root = os.path.join(part, "root")
        os.makedirs(root)
        try:
            configuration = fill(root)
            with open(os.path.join(part, "configuration.json"), "w", encoding="utf-8") as file:
                json.dump(asdict(configuration), file)
            if os.geteuid() != 0:  # root is not kept from writing by this
                _write_protect(root)
            os.rename(part, place)
        except BaseException:
            _remove_tree(part)
            raise

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        try:
            os.makedirs(self.directory, exist_ok=True)
        except OSError as error:
            raise Fatal(f"while making the image cache: {error}") from error
        with open(os.path.join(self.directory, f".{name}.lock"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _write_protect(root: str) -> None:
    """For the ways of running that show the image itself, and not read-only (proot)."""
    for directory, _, names in os.walk(root, topdown=False):
        for name in names:
            place = os.path.join(directory, name)
            if not os.path.islink(place):
                os.chmod(place, os.stat(place).st_mode & 0o555)
        os.chmod(directory, os.stat(directory).st_mode & 0o1555)


def _remove_tree(path: str) -> None:
    def grant(function: Callable[[str], object], place: str, _: object) -> None:
        os.chmod(os.path.dirname(place), 0o700)
        if os.path.isdir(place) and not os.path.islink(place):
            os.chmod(place, 0o700)
        function(place)

    if os.path.isdir(path):
        shutil.rmtree(path, onerror=grant)
