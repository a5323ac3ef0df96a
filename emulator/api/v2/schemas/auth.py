"""``auth`` of storage and login: which fields each type needs and which it refuses [systems §3.1]."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, post_load

from emulator.api.v2.schemas.fields import Section, Text, Whole, Word, WordedSchema
from emulator.domain.system import AuthShape

AUTH_TYPES = (
    "TOKEN",
    "KERBEROSE",
    "PASSWORD",
    "X509",
    "LOCAL",
    "SSHKEYS",
    "PAM",
    "APIKEYS",
    "ANONYMOUS",
)
_SERVER_PROTOCOLS = ("KERBEROSE", "OAUTH2", "OA4MP", "VOMS", "MYPROXY", "MPG", "NONE")
_CREDENTIAL_SERVERS = ("MYPROXY", "VOMS", "OA4MP", "MPG")
_TYPE_LIST = "Please specify one of: " + ", ".join(f"'{name}'" for name in AUTH_TYPES)
_INVALID = "Invalid authentication combination. "
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_KEYS = ("publicKey", "privateKey")


@dataclass(frozen=True, slots=True, repr=False)
class Auth:
    """A credential: what may be shown of it, and all of it. Has no ``repr``, so that no log shows it."""

    shape: AuthShape
    secret: dict[str, Any]


LOCAL_AUTH = Auth(AuthShape(type="LOCAL"), {"type": "LOCAL"})

# required and refused fields of the types that no other field changes
_PASSWORD_LIKE = (("username", "password"), ("credential", "server", *_KEYS))
_RULES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "PASSWORD": _PASSWORD_LIKE,
    "PAM": _PASSWORD_LIKE,
    "KERBEROSE": _PASSWORD_LIKE,
    "SSHKEYS": (("username", *_KEYS), ("credential", "server")),
    "APIKEYS": (_KEYS, ("username", "password")),
    "ANONYMOUS": ((), ("credential", "server", *_KEYS)),
}


class ServerSchema(WordedSchema):
    """``auth.server``: where a credential is got from."""

    name = Text("Invalid 'auth.server.name' value. If specified, please specify a valid name.", longest=64)
    endpoint = Text(
        "Please specify a valid string value for the 'auth.server.endpoint' field.",
        absent="Please specify a valid string value for the 'auth.server.endpoint' field.",
        longest=255,
    )
    port = Whole(
        "Invalid 'auth.server.port' value. Please specify a positive integer value for the port number.",
        absent="Invalid 'auth.server.port' value. Please specify a positive integer value for the port number.",
    )
    protocol = Word(
        f"Invalid 'auth.server.protocol' value. Please specify one of: {','.join(_SERVER_PROTOCOLS)}",
        _SERVER_PROTOCOLS,
        absent=f"No 'auth.server.protocol' value specified. Please specify one of: {','.join(_SERVER_PROTOCOLS)}",
    )


class AuthSchema(WordedSchema):
    type = Word(
        f"Invalid 'auth.type' value. {_TYPE_LIST}",
        AUTH_TYPES,
        absent=f"No 'auth.type' value specified. {_TYPE_LIST}",
    )
    username = Text("Invalid 'auth.username' value. Please specify a valid username.", longest=64)
    password = Text(
        "Invalid 'auth.password' value. Please specify a valid password.",
        longest=128,
        too_long="'auth.password' must be less than 128 characters.",
        blank=True,
    )
    publicKey = Text(
        "Invalid 'auth.publicKey' value. Please specify a valid public key.",
        longest=4099,
        too_long="'auth.publicKey' must be less than 4099 characters.",
    )
    privateKey = Text(
        "Invalid 'auth.privateKey' value. Please specify a valid private key.",
        longest=4099,
        too_long="'auth.privateKey' must be less than 4099 characters.",
    )
    credential = Text("Invalid 'auth.credential' value. Please specify a valid credential.")
    caCerts = Text(
        "Invalid 'auth.caCerts' value. Please specify a valid http URL.",
        pattern=r"https?://\S+",
    )
    internalUsername = Text(
        "Invalid 'auth.internalUsername' value. Please specify a valid username.", longest=64
    )
    server = Section(
        "Invalid 'auth.server' value. Please specify a JSON object representing a valid server.",
        ServerSchema,
    )

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Auth:
        """Checks what the type allows, then splits what may be shown from what may not."""
        kind = data["type"]
        _check(kind, data)
        if kind == "ANONYMOUS":
            data["username"] = "anonymous"
        secret = {key: value for key, value in data.items() if value is not None}
        return Auth(AuthShape(type=kind, server=data["server"], ca_certs=data["caCerts"]), secret)


def _check(kind: str, data: dict[str, Any]) -> None:
    if kind in _RULES:
        required, refused = _RULES[kind]
        _require(kind, data, required)
        _refuse(kind, data, refused)
        if kind == "ANONYMOUS":
            _check_guest(data)
    elif kind == "X509":
        _check_x509(data)
    elif kind == "TOKEN":
        _check_token(data)
    elif any(data[name] for name in ("server", "username", "password", "credential", *_KEYS)):
        raise ValidationError(
            f"{_INVALID}'auth.server', 'auth.username', 'auth.password', and 'auth.credential' are not "
            "supported when 'auth.type' is LOCAL"
        )


def _check_guest(data: dict[str, Any]) -> None:
    password = data["password"]
    if password and password != "guest" and not _EMAIL.fullmatch(password):
        raise ValidationError(
            f"{_INVALID}'auth.password' must be guest or an email address when 'auth.type' is ANONYMOUS"
        )


def _check_x509(data: dict[str, Any]) -> None:
    server = data["server"]
    if server is None:
        _require("X509", data, ("credential",))
        _refuse("X509", data, ("username", *_KEYS))
        return
    if server["protocol"] not in _CREDENTIAL_SERVERS:
        raise ValidationError(
            f"{_INVALID}X509 'auth.type' specified, but 'auth.server.protocol' is not one of: "
            + ", ".join(_CREDENTIAL_SERVERS)
        )
    _require("X509", data, () if server["protocol"] == "MPG" else ("username", "password"))
    _refuse("X509", data, _KEYS)


def _check_token(data: dict[str, Any]) -> None:
    _require("TOKEN", data, ("username",))
    if data["server"] is None:
        _require("TOKEN", data, ("credential", "password"))
    elif data["server"]["protocol"] != "OAUTH2":
        raise ValidationError(
            f"{_INVALID}TOKEN 'auth.type' specified, but 'auth.server.protocol' is not OAUTH2."
        )
    elif not (data["password"] or data["credential"]):
        _require("TOKEN", data, ("password",))
    _refuse("TOKEN", data, _KEYS)


def _require(kind: str, data: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if data[name]:
            continue
        if kind == "SSHKEYS" and name == "username":
            raise ValidationError(f"{_INVALID}'auth.username' is required when 'auth.type' is SSHKEYS")
        raise ValidationError(f"{_INVALID}{kind} 'auth.type' specified, but no 'auth.{name}' provided.")


def _refuse(kind: str, data: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if data[name]:
            raise ValidationError(f"{_INVALID}'auth.{name}' is not supported when 'auth.type' is {kind}")
