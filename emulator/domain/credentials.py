"""Which kinds of credentials systems take, part by part [systems §3.1, §10]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.domain.host_map import Identity
from emulator.domain.ports import Account
from emulator.domain.system import AuthShape, System

STORAGE, LOGIN = "storage", "login"
DEFAULT_USER = "default"
"""What stands for the system's own credentials where a user's name is expected."""

_IRODS = ("PASSWORD", "PAM", "X509")
_TYPES = {
    STORAGE: {
        "GRIDFTP": ("X509",),
        "FTP": ("PASSWORD", "ANONYMOUS"),
        "SFTP": ("PASSWORD", "SSHKEYS"),
        "IRODS": _IRODS,
        "IRODS4": _IRODS,
        "LOCAL": ("LOCAL",),
        "S3": ("APIKEYS",),
        "AZURE": ("APIKEYS",),
    },
    LOGIN: {
        "GSISSH": ("X509",),
        "SSH": ("PASSWORD", "SSHKEYS"),
        "API": ("PASSWORD", "TOKEN"),
        "LOCAL": ("LOCAL",),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What may be told of a credential: never what it holds. ``username`` None: the system's own."""

    part: str
    username: str | None
    shape: AuthShape
    created: datetime


def parts_of(system: System) -> tuple[str, ...]:
    """Where a system takes credentials."""
    return (STORAGE,) if system.login is None else (STORAGE, LOGIN)


def protocol_of(system: System, part: str) -> str:
    if part == STORAGE:
        return system.storage.protocol
    return system.login.protocol if system.login is not None else ""


def types_for(system: System, part: str) -> tuple[str, ...] | None:
    """The types that the part's protocol takes; None: any."""
    return _TYPES[part].get(protocol_of(system, part))


def shape_of(system: System, part: str) -> AuthShape | None:
    """What is shown of the system's own credential; None when it has none."""
    if part == STORAGE:
        return system.storage.auth
    return system.login.auth if system.login is not None else None


def storage_account(system: System, owner: str) -> Account:
    """How the files of a system are reached on behalf of a user."""
    return Account(system.uuid, STORAGE, owner, system.storage.port)


def login_account(system: System, owner: str) -> Account:
    """How commands are run on a system on behalf of a user."""
    assert system.login is not None, "storage systems run nothing"
    return Account(system.uuid, LOGIN, owner, system.login.port)


def identity_in(auth: Mapping[str, Any]) -> Identity:
    """Who logs in by SSH with a system's ``auth``, secrets and all [systems §3.1].

    The password of SSHKEYS is the key's passphrase. Types that SSH knows nothing of give an empty identity.
    """
    user, secret = str(auth.get("username") or ""), str(auth.get("password") or "")
    if auth.get("type") == "SSHKEYS":
        return Identity(user=user, private_key=str(auth.get("privateKey") or ""), passphrase=secret)
    if auth.get("type") in ("PASSWORD", "PAM"):
        return Identity(user=user, password=secret)
    return Identity()
