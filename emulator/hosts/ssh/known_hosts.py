"""Which host key a machine must show: the one that the map pins, else the one that was recorded first.

The record is a file in OpenSSH's form (hashed names are understood), so that ssh-keygen -R, or a line from another
machine's known_hosts, does what one expects.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.domain.host_map import SSH_PORT
from emulator.hosts.ssh.errors import HostKeyChanged, UnusableKey

if TYPE_CHECKING:
    import paramiko


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``kind`` as in a known_hosts line: ``ssh-ed25519``, ``ecdsa-sha2-nistp256``, ``ssh-rsa``."""

    kind: str
    data: bytes

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.data).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        return f"{self.kind} {base64.b64encode(self.data).decode()}"


def pinned_key(text: str, where: str) -> PublicKey:
    """A key as the map has it: ``ssh-ed25519 AAAA…``, perhaps after a host name. Raises UnusableKey."""
    words = text.split()
    for kind, data in pairwise(words):
        if data.startswith("AAAA"):
            try:
                return PublicKey(kind, base64.b64decode(data, validate=True))
            except binascii.Error:
                break
    raise UnusableKey(f"the host_key for {where} is no public key: expected 'ssh-ed25519 AAAA…'")


class KnownHosts:
    """The file of host keys. Threads and processes may share it."""

    _lock = threading.Lock()

    def __init__(self, path: Path) -> None:
        self._path = path

    def keys(self, address: str, port: int) -> list[PublicKey]:
        """The keys that are recorded for a machine; read anew each time, for it may be edited by hand."""
        name = host_name(address, port)
        return [key for names, key in self._entries() if _names(names, name)]

    def check(self, address: str, port: int, offered: paramiko.PKey, pin: str = "") -> None:
        """Return for the machine that is expected. Raises HostKeyChanged for another, and UnusableKey for a bad pin.

        A machine that is met for the first time is recorded.
        """
        key = PublicKey(offered.get_name(), offered.asbytes())
        where = host_name(address, port)
        if pin:
            expected = pinned_key(pin, where)
            if key != expected:
                raise HostKeyChanged(
                    f"{where} shows the host key {key.fingerprint} ({key.kind}), but the host map expects"
                    f" {expected.fingerprint} ({expected.kind}). If the machine was really set up anew, put"
                    f" '{key.line}' as its host_key into the host map."
                )
            return
        with self._alone():
            known = self.keys(address, port)
            if not known:
                self._record(where, key)
            elif key not in known:
                kept = ", ".join(f"{old.fingerprint} ({old.kind})" for old in known)
                raise HostKeyChanged(
                    f"{where} shows the host key {key.fingerprint} ({key.kind}), but {kept} is recorded for it in"
                    f" {self._path}. Somebody may be in between. If the machine was really set up anew, accept it"
                    f" with: ssh-keygen -f {self._path} -R '{where}'"
                )

    def _entries(self) -> Iterator[tuple[str, PublicKey]]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            fields = line.split()
            if len(fields) < 3 or fields[0].startswith(("#", "@")):
                continue
            try:
                yield fields[0], PublicKey(fields[1], base64.b64decode(fields[2]))
            except binascii.Error:
                continue  # a line that is broken says nothing of any machine, as with ssh itself

    def _record(self, where: str, key: PublicKey) -> None:
        before = self._path.read_bytes() if self._path.exists() else b""
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        new = self._path.with_name(f"{self._path.name}.new")
        new.write_bytes(before + gap + f"{where} {key.line}\n".encode())
        new.chmod(0o600)
        new.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_name(f"{self._path.name}.lock")
        with self._lock:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)


def host_name(address: str, port: int) -> str:
    """A machine as known_hosts names it."""
    return address.lower() if port == SSH_PORT else f"[{address.lower()}]:{port}"


def _names(names: str, name: str) -> bool:
    import paramiko

    for pattern in names.split(","):
        if pattern.startswith("|1|"):
            try:
                if paramiko.HostKeys.hash_host(name, pattern) == pattern:
                    return True
            except (binascii.Error, IndexError, AssertionError):
                continue  # a hash that is none fits no name
        elif pattern.lower() == name:
            return True
    return False
