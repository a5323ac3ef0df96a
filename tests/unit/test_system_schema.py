"""What a system's body may hold, and how each refusal is worded [systems §2-§4]."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.api.v2.schemas.system import parse_system
from emulator.domain.errors import Invalid
from emulator.domain.system import AuthShape, SystemDefinition, SystemStatus, SystemType
from tests.catalog import EXECUTION, STORAGE, changed

IN_STORAGE = "Failed to parse 'storage' object: "
AUTH = "Invalid authentication combination. "


def storage(**changes: Any) -> SystemDefinition:
    return parse_system(changed(STORAGE, **changes))[0]


def refusal(body: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as refused:
        parse_system(body)
    return refused.value.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ...}, "Please specify a valid string value for the 'id' field."),
        ({"id": 7}, "Please specify a valid string value for the 'id' field."),
        ({"id": "x" * 65}, "'system.id' must be less than 64 characters."),
        ({"id": "a_b"}, "System id may only contain alphanumeric characters, periods, and dashes."),
        ({"id": "größe"}, "System id may only contain alphanumeric characters, periods, and dashes."),
        ({"id": "Storage"}, "System id cannot be the reserve words 'execution', 'storage', or 'auth.'"),
        ({"name": " "}, "Please specify a valid string value for the 'name' field."),
        ({"name": "x" * 65}, "'system.name' must be less than 64 characters."),
        ({"type": ...}, "No 'type' value specified. Please specify one of: EXECUTION,STORAGE,AUTH"),
        ({"type": "AUTH"}, "Invalid 'type' value. Please specify one of: EXECUTION,STORAGE,AUTH"),
        ({"status": "OK"}, "Invalid 'status' value. Please specify one of: UP,DOWN,UNKNOWN,MAINTENANCE"),
        ({"description": "x" * 4097}, "'system.description' must be less than 4096 characters."),
        (
            {"site": None},
            "Invalid 'site' value. If specified, please specify a valid name for the site where this system lives",
        ),
        (
            {"available": "maybe"},
            "Invalid 'available' value. If provided, please specify either true or false depending on whether "
            "you would like this system to be available for use. Default: true",
        ),
        (
            {"storage": ...},
            "No 'storage' value specified. Please specify a JSON object representing a valid 'storage' "
            "configuration.",
        ),
        (
            {"storage": []},
            "No 'storage' value specified. Please specify a JSON object representing a valid 'storage' "
            "configuration.",
        ),
        (
            {"storage__host": ""},
            IN_STORAGE + "Please specify a valid string value for the 'storage.host' field.",
        ),
        (
            {"storage__port": ...},
            IN_STORAGE
            + "Invalid 'storage.port' value. If provided, please specify a positive integer value for "
            "the port number.",
        ),
        (
            {"storage__port": -1},
            IN_STORAGE
            + "Invalid 'storage.port' value. If provided, please specify a positive integer value for "
            "the port number.",
        ),
        (
            {"storage__protocol": ...},
            IN_STORAGE
            + "No 'storage.protocol' value specified. Please specify one of: GRIDFTP,FTP,SFTP,IRODS,"
            "IRODS4,LOCAL,AZURE,S3,SWIFT,HTTP,HTTPS",
        ),
        (
            {"storage__protocol": "SCP"},
            IN_STORAGE + "Invalid 'storage.protocol' value. Please specify one of: GRIDFTP,FTP,SFTP,IRODS,"
            "IRODS4,LOCAL,AZURE,S3,SWIFT,HTTP,HTTPS",
        ),
        (
            {"storage__rootDir": ""},
            IN_STORAGE + "Invalid 'rootDir' value. If provided, please specify a valid root directory path.",
        ),
        (
            {"storage__rootDir": "/data/../.."},
            IN_STORAGE + "Invalid 'rootDir' value. If provided, please specify a valid root directory path.",
        ),
        (
            {"storage__homeDir": "../up"},
            IN_STORAGE
            + "Invalid 'homeDir' value. If provided, please specify a valid home directory path. Home "
            "directories cannot be outside of the 'rootDir' if provided.",
        ),
        (
            {"storage__container": "c"},
            IN_STORAGE
            + "Invalid 'storage.container' value. This parameter is only supported on cloud storage "
            "systems.",
        ),
        (
            {"storage__zone": "z"},
            IN_STORAGE + "Invalid 'storage.zone' value. This parameter is only supported on iRODS systems.",
        ),
        (
            {"storage__mirror": True},
            IN_STORAGE + "Invalid 'storage.mirror' value. This parameter is only supported on iRODS systems.",
        ),
        (
            {"storage__protocol": "FTP", "storage__proxy": {"name": "p", "host": "h"}},
            IN_STORAGE
            + "Proxy servers are not supported when using FTP. To specify a proxy server you must set "
            "'storage.protocol' to 'SFTP'.",
        ),
    ],
    ids=str,
)
def test_storage_systems_that_are_refused(changes: dict[str, Any], message: str) -> None:
    assert refusal(changed(STORAGE, **changes)) == message


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (
            {},
            "No 'auth.type' value specified. Please specify one of: 'TOKEN', 'KERBEROSE', 'PASSWORD', 'X509', "
            "'LOCAL', 'SSHKEYS', 'PAM', 'APIKEYS', 'ANONYMOUS'",
        ),
        (
            {"type": "SECRET"},
            "Invalid 'auth.type' value. Please specify one of: 'TOKEN', 'KERBEROSE', 'PASSWORD', 'X509', "
            "'LOCAL', 'SSHKEYS', 'PAM', 'APIKEYS', 'ANONYMOUS'",
        ),
        (
            {"type": "PASSWORD"},
            AUTH + "PASSWORD 'auth.type' specified, but no 'auth.username' provided.",
        ),
        (
            {"type": "pam", "username": "u"},
            AUTH + "PAM 'auth.type' specified, but no 'auth.password' provided.",
        ),
        (
            {"type": "PASSWORD", "username": "u", "password": "p", "publicKey": "k"},
            AUTH + "'auth.publicKey' is not supported when 'auth.type' is PASSWORD",
        ),
        (
            {"type": "SSHKEYS", "publicKey": "k", "privateKey": "k"},
            AUTH + "'auth.username' is required when 'auth.type' is SSHKEYS",
        ),
        (
            {"type": "SSHKEYS", "username": "u", "publicKey": "k"},
            AUTH + "SSHKEYS 'auth.type' specified, but no 'auth.privateKey' provided.",
        ),
        (
            {"type": "APIKEYS", "publicKey": "k", "privateKey": "k", "username": "u"},
            AUTH + "'auth.username' is not supported when 'auth.type' is APIKEYS",
        ),
        ({"type": "X509"}, AUTH + "X509 'auth.type' specified, but no 'auth.credential' provided."),
        (
            {"type": "X509", "server": {"endpoint": "e", "port": 1, "protocol": "MYPROXY"}},
            AUTH + "X509 'auth.type' specified, but no 'auth.username' provided.",
        ),
        (
            {"type": "TOKEN", "username": "u", "credential": "c"},
            AUTH + "TOKEN 'auth.type' specified, but no 'auth.password' provided.",
        ),
        (
            {"type": "LOCAL", "username": "u"},
            AUTH
            + "'auth.server', 'auth.username', 'auth.password', and 'auth.credential' are not supported when "
            "'auth.type' is LOCAL",
        ),
        (
            {"type": "PASSWORD", "username": "u", "password": "p" * 129},
            "'auth.password' must be less than 128 characters.",
        ),
    ],
    ids=str,
)
def test_auth_that_is_refused(auth: dict[str, Any], message: str) -> None:
    assert refusal(changed(STORAGE, storage__auth=auth)) == IN_STORAGE + message


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "KERBEROSE", "username": "u", "password": "p"},
        {"type": "SSHKEYS", "username": "u", "publicKey": "k", "privateKey": "k", "password": "phrase"},
        {"type": "APIKEYS", "publicKey": "k", "privateKey": "k"},
        {"type": "X509", "credential": "c"},
        {"type": "X509", "server": {"endpoint": "e", "port": "7512", "protocol": "MPG"}},
        {"type": "TOKEN", "username": "u", "credential": "c", "password": "p"},
        {
            "type": "TOKEN",
            "username": "u",
            "password": "p",
            "server": {"endpoint": "e", "port": 1, "protocol": "OAUTH2"},
        },
        {"type": "ANONYMOUS", "password": "me@example.org"},
        {"type": "LOCAL"},
    ],
    ids=lambda auth: auth["type"],
)
def test_auth_that_is_taken_is_kept_whole_and_shown_in_part(auth: dict[str, Any]) -> None:
    definition, credentials = parse_system(changed(STORAGE, storage__auth=auth))
    shape = definition.storage.auth
    assert shape is not None
    assert shape.type == auth["type"]
    kept = credentials["storage"]
    assert {name: value for name, value in auth.items() if name != "server"}.items() <= kept.items()
    if "server" in auth:
        assert shape.server == kept["server"]
        assert kept["server"]["protocol"] == auth["server"]["protocol"]
        assert kept["server"]["port"] == int(auth["server"]["port"])
    if auth["type"] == "ANONYMOUS":
        assert kept["username"] == "anonymous"


def test_defaults_and_tolerances_of_storage() -> None:
    made = storage(type="storage", status=None, available="False", storage__port="22", description=None)
    assert (made.type, made.status, made.available) == (SystemType.STORAGE, SystemStatus.UP, False)
    assert made.storage.port == 22
    assert storage(storage__rootDir=..., storage__homeDir=...).storage.root_dir == "/"
    cloud = storage(
        storage__protocol="s3",
        storage__host="s3.example.org",
        storage__container="bucket",
        storage__auth={"type": "APIKEYS", "publicKey": "k", "privateKey": "k"},
    )
    assert cloud.storage.host == "https://s3.example.org"
    local = storage(storage__protocol="LOCAL", storage__port=..., storage__auth=...)
    assert local.storage.auth == AuthShape(type="LOCAL")
    assert local.storage.port is None
    irods = storage(storage__protocol="IRODS", storage__zone="z", storage__resource="r", storage__mirror=True)
    assert (irods.storage.zone, irods.storage.mirror) == ("z", True)


def test_left_out_auth_leaves_no_credentials() -> None:
    definition, credentials = parse_system(changed(STORAGE, storage__auth=...))
    assert definition.storage.auth is None
    assert credentials == {}


# anything at all


def paths(document: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a JSON document something can be put in the place of something else."""
    found = [above] if above else []
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document if isinstance(document, list) else ())
    )
    for key, value in items:
        found += paths(value, (*above, key))
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data(), body=st.sampled_from([dict(STORAGE), dict(EXECUTION)]), value=JSON)
def test_any_value_anywhere_is_taken_or_refused(
    data: st.DataObject, body: dict[str, Any], value: Any
) -> None:
    made = copy.deepcopy(body)
    *above, last = data.draw(st.sampled_from(paths(made)))
    inner: Any = made
    for key in above:
        inner = inner[key]
    inner[last] = value
    try:
        definition, _ = parse_system(made)
    except Invalid as refused:
        assert refused.message
    else:
        assert definition.id
