"""Which machine stands behind a host name of a system definition: a sandbox, this machine, or one by SSH.

A map is a mapping from host names, or patterns of them, to targets::

    stampede2.tacc.utexas.edu: ssh://tapis@127.0.0.1:2222
    "*.example.org":
      ssh: 127.0.0.1:2222
      host_key: ssh-ed25519 AAAA…
      user: tapis
      key_file: ~/.ssh/id_ed25519
      jump: ssh://me@gateway.example.org
      users: {testuser: {user: tg123, key_file: ~/.ssh/tg123}}

A name written out wins over patterns, among patterns the first; names that no line fits are sandboxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote, urlsplit

SSH_PORT = 22


class BadHostMap(Exception):
    """A host map that cannot be understood; the text names the entry and what was expected."""


class HostKind(StrEnum):
    SANDBOX = "sandbox"
    LOCAL = "local"
    SSH = "ssh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who logs in, and how. ``private_key`` is a key's text, ``key_file`` a path on this machine.

    ``passphrase`` opens the key; ``password`` is that of the account. All but ``user`` may be empty.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    key_file: str = ""
    passphrase: str = field(default="", repr=False)

    @property
    def complete(self) -> bool:
        """Whether one could log in with it."""
        return bool(self.user and (self.password or self.private_key or self.key_file))

    def over(self, other: Identity) -> Identity:
        """This one, with the gaps filled from another: its user, or as a whole where this has no secret."""
        if self.password or self.private_key or self.key_file:
            return Identity(
                user=self.user or other.user,
                password=self.password,
                private_key=self.private_key,
                key_file=self.key_file,
                passphrase=self.passphrase,
            )
        return Identity(
            user=self.user or other.user,
            password=other.password,
            private_key=other.private_key,
            key_file=other.key_file,
            passphrase=other.passphrase,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where an SSH server listens. ``host_key`` as in a known_hosts line (``ssh-ed25519 AAAA…``); empty: the first
    that is met is recorded. ``port`` 0: that of the system definition, else 22."""

    address: str
    port: int = 0
    host_key: str = ""
    identity: Identity = Identity()
    jump: Machine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One line of the map. ``users`` are identities by Tapis user."""

    kind: HostKind
    machine: Machine | None = None
    users: Mapping[str, Identity] = field(default_factory=dict)

    def identity(self, owner: str) -> Identity:
        """What the map itself says of who logs in for a Tapis user."""
        general = self.machine.identity if self.machine else Identity()
        return self.users[owner].over(general) if owner in self.users else general


SANDBOX = Binding(kind=HostKind.SANDBOX)


@dataclass(frozen=True, slots=True)
class HostMap:
    """Bindings by name or pattern, all in lower case."""

    bindings: Mapping[str, Binding] = field(default_factory=dict)

    def find(self, name: str) -> Binding:
        name = name.lower()
        if name in self.bindings:
            return self.bindings[name]
        fits = (binding for pattern, binding in self.bindings.items() if fnmatchcase(name, pattern))
        return next(fits, SANDBOX)

    def over(self, other: HostMap) -> HostMap:
        """Both; where they differ, and among patterns, this one wins."""
        return HostMap(
            {**self.bindings, **{k: v for k, v in other.bindings.items() if k not in self.bindings}}
        )


def parse_host_map(document: Any, source: str) -> HostMap:
    """A map from its document; ``source`` is what to call it in errors. Raises BadHostMap."""
    if not isinstance(document, Mapping):
        raise BadHostMap(f"{source}: expected a mapping from host names to targets")
    bindings = {}
    for name, target in document.items():
        where = f"{source}: {name}"
        if not isinstance(name, str) or not name.strip():
            raise BadHostMap(f"{where}: a host name or pattern is expected on the left")
        bindings[name.strip().lower()] = _binding(target, where)
    return HostMap(bindings)


def _binding(target: Any, where: str) -> Binding:
    if isinstance(target, str):
        word = target.strip()
        if word.lower() in (HostKind.SANDBOX, HostKind.LOCAL):
            return Binding(kind=HostKind(word.lower()))
        if not word.lower().startswith("ssh://"):
            raise BadHostMap(f"{where}: {target!r} is neither sandbox, local nor ssh://[user@]address[:port]")
        return Binding(kind=HostKind.SSH, machine=_machine(word, where))
    if not isinstance(target, Mapping):
        raise BadHostMap(f"{where}: expected sandbox, local, ssh://… or a mapping with ssh")
    _check_keys(target, _MACHINE_KEYS | {"users"}, where)
    users = target.get("users") or {}
    if not isinstance(users, Mapping):
        raise BadHostMap(f"{where}: users: expected a mapping from Tapis users to identities")
    machine = {key: value for key, value in target.items() if key != "users"}
    return Binding(
        kind=HostKind.SSH,
        machine=_machine(machine, where),
        users={str(name): _user(text, f"{where}: users: {name}") for name, text in users.items()},
    )


_IDENTITY_KEYS = {"user", "password", "private_key", "key_file", "passphrase"}
_MACHINE_KEYS = _IDENTITY_KEYS | {"ssh", "host_key", "jump"}


def _machine(target: Any, where: str) -> Machine:
    if isinstance(target, str):
        target = {"ssh": target}
    if not isinstance(target, Mapping):
        raise BadHostMap(f"{where}: expected ssh://… or a mapping with ssh")
    _check_keys(target, _MACHINE_KEYS, where)
    user, password, address, port = _address(target.get("ssh"), where)
    texts = {key: _text(target[key], f"{where}: {key}") for key in _IDENTITY_KEYS & target.keys()}
    identity = Identity(**({"user": user, "password": password} | texts))
    jump = target.get("jump")
    return Machine(
        address=address,
        port=port,
        host_key=_text(target.get("host_key", ""), f"{where}: host_key"),
        identity=identity,
        jump=None if jump is None else _machine(jump, f"{where}: jump"),
    )


def _user(target: Any, where: str) -> Identity:
    if isinstance(target, str):
        return Identity(user=target)
    if not isinstance(target, Mapping):
        raise BadHostMap(f"{where}: expected a user name or a mapping")
    _check_keys(target, _IDENTITY_KEYS, where)
    return Identity(**{key: _text(value, f"{where}: {key}") for key, value in target.items()})


def _address(text: Any, where: str) -> tuple[str, str, str, int]:
    """User, password, address and port of ``[ssh://][user[:password]@]address[:port]``."""
    if not isinstance(text, str) or not text.strip():
        raise BadHostMap(f"{where}: ssh: expected [user@]address[:port]")
    try:
        parts = urlsplit(text if "://" in text else f"ssh://{text}")
        port = parts.port
    except ValueError as error:
        raise BadHostMap(f"{where}: ssh: {text!r}: {error}") from error
    if parts.scheme.lower() != "ssh" or not parts.hostname or parts.path.strip("/"):
        raise BadHostMap(f"{where}: ssh: {text!r} is not [ssh://][user@]address[:port]")
    return unquote(parts.username or ""), unquote(parts.password or ""), parts.hostname, port or 0


def _check_keys(target: Mapping[Any, Any], known: set[str], where: str) -> None:
    unknown = sorted(str(key) for key in target if key not in known)
    if unknown:
        raise BadHostMap(f"{where}: there is no {unknown[0]!r} here; it may have {', '.join(sorted(known))}")


def _text(value: Any, where: str) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise BadHostMap(f"{where}: expected a text")
