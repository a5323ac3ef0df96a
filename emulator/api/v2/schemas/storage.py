"""``storage`` and ``login`` of a system, with their proxies [systems §3, §4.1]."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, post_load

from emulator.api.v2.schemas.auth import LOCAL_AUTH, Auth, AuthSchema
from emulator.api.v2.schemas.fields import Section, Text, Truth, Whole, Word, WordedSchema
from emulator.domain.system import LOGIN_PROTOCOLS, STORAGE_PROTOCOLS, LoginConfig, Proxy, StorageConfig

_IRODS = ("IRODS", "IRODS4")
_CLOUD = ("S3", "AZURE", "SWIFT")


class ProxySchema(WordedSchema):
    name = Text(
        "Please specify a valid string value for the 'proxy.name' field.",
        absent="Please specify a valid string value for the 'proxy.name' field.",
        longest=64,
    )
    host = Text(
        "Please specify a valid string value for the 'proxy.host' field.",
        absent="Please specify a valid string value for the 'proxy.host' field.",
        longest=256,
    )
    port = Whole(
        "Invalid 'proxy.port' value. If provided, please specify a positive integer value for the port number."
    )

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Proxy:
        return Proxy(**data)


def _host(name: str) -> Text:
    text = f"Please specify a valid string value for the '{name}.host' field."
    return Text(text, absent=text, longest=256)


def _port_refusal(name: str) -> str:
    return f"Invalid '{name}.port' value. If provided, please specify a positive integer value for the port number."


def _protocol(name: str, words: tuple[str, ...]) -> Word:
    choice = "Please specify one of: " + ",".join(words)
    return Word(
        f"Invalid '{name}.protocol' value. {choice}",
        words,
        absent=f"No '{name}.protocol' value specified. {choice}",
    )


def _proxy(name: str) -> Section:
    text = f"Invalid '{name}.proxy' value. Please specify a JSON object representing a valid proxy server."
    return Section(text, ProxySchema)


def _auth(name: str) -> Section:
    text = (
        f"No '{name}.auth' value specified. Please specify a JSON object representing a valid '{name}.auth' "
        "configuration."
    )
    return Section(text, AuthSchema)


_ROOT_DIR = "Invalid 'rootDir' value. If provided, please specify a valid root directory path."
_HOME_DIR = (
    "Invalid 'homeDir' value. If provided, please specify a valid home directory path. Home directories "
    "cannot be outside of the 'rootDir' if provided."
)


class StorageSchema(WordedSchema):
    """Loads to a pair: StorageConfig, and the Auth or None where the body has none."""

    host = _host("storage")
    port = Whole(_port_refusal("storage"))
    protocol = _protocol("storage", STORAGE_PROTOCOLS)
    root_dir = Text(_ROOT_DIR, data_key="rootDir", longest=255, default="/")
    home_dir = Text(_HOME_DIR, data_key="homeDir", longest=255)
    public_apps_dir = Text(
        "Invalid 'storage.publicAppsDir' value. If provided, please specify a valid directory path.",
        data_key="publicAppsDir",
        longest=255,
        blank=True,
    )
    mirror = Truth(
        "Invalid 'storage.mirror' value. If provided, please specify either true or false.",
        default=False,
        words=True,
    )
    zone = Text("Invalid 'storage.zone' value. Please specify a valid zone.", longest=32)
    resource = Text("Invalid 'storage.resource' value. Please specify a valid resource.", longest=32)
    container = Text("Invalid 'storage.container' value. Please specify a valid container.", longest=64)
    proxy = _proxy("storage")
    auth = _auth("storage")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> tuple[StorageConfig, Auth | None]:
        protocol = data["protocol"]
        if data["port"] is None and protocol != "LOCAL":
            raise ValidationError(_port_refusal("storage"))
        for name, refusal in (("root_dir", _ROOT_DIR), ("home_dir", _HOME_DIR)):
            if data[name] and ".." in data[name].split("/"):
                raise ValidationError(refusal)
        _check_irods(protocol, data)
        _check_container(protocol, data["container"])
        if data["proxy"] is not None and protocol != "SFTP":
            raise ValidationError(
                f"Proxy servers are not supported when using {protocol}. To specify a proxy server you must "
                "set 'storage.protocol' to 'SFTP'."
            )
        if protocol in _CLOUD and "://" not in data["host"]:
            data["host"] = f"https://{data['host']}"
        auth = data.pop("auth") or (LOCAL_AUTH if protocol == "LOCAL" else None)
        return StorageConfig(**data, auth=auth.shape if auth else None), auth


def _check_irods(protocol: str, data: dict[str, Any]) -> None:
    for name in ("zone", "resource", "mirror"):
        if protocol not in _IRODS and data[name]:
            raise ValidationError(
                f"Invalid 'storage.{name}' value. This parameter is only supported on iRODS systems."
            )
        if protocol in _IRODS and name != "mirror" and not data[name]:
            raise ValidationError(f"Please specify a valid string value for the 'storage.{name}' field.")


def _check_container(protocol: str, container: str | None) -> None:
    if container and protocol not in _CLOUD:
        raise ValidationError(
            "Invalid 'storage.container' value. This parameter is only supported on cloud storage systems."
        )
    if protocol in _CLOUD and not container:
        raise ValidationError("Please specify a valid string value for the 'storage.container' field.")


class LoginSchema(WordedSchema):
    """Loads to a pair: LoginConfig, and the Auth or None where the body has none."""

    host = _host("login")
    port = Whole(_port_refusal("login"))
    protocol = _protocol("login", LOGIN_PROTOCOLS)
    proxy = _proxy("login")
    auth = _auth("login")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> tuple[LoginConfig, Auth | None]:
        protocol = data["protocol"]
        if data["port"] is None and protocol != "LOCAL":
            raise ValidationError(_port_refusal("login"))
        if data["proxy"] is not None and protocol != "SSH":
            raise ValidationError(
                f"Proxy servers are not supported when using {protocol}. To specify a proxy server you must "
                "change 'login.protocol' to 'SSH'."
            )
        auth = data.pop("auth") or (LOCAL_AUTH if protocol == "LOCAL" else None)
        return LoginConfig(**data, auth=auth.shape if auth else None), auth
