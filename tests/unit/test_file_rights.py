"""Who may do what with a path [files §10.1], rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.domain.file import (
    ALL_PERMISSIONS,
    NO_PERMISSION,
    READ_ONLY,
    FileGrant,
    Permission,
    file_permission,
    permission_from_bits,
)
from emulator.domain.file_rights import Grants, effective_permission, grants_for, home_of, owner_of
from emulator.domain.system import Role, StorageConfig, System, SystemType

READ = READ_ONLY
WRITE = Permission(write=True)
EXECUTE = Permission(execute=True)
NOTHING = Grants()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PRIVATE = System(
    world="w",
    id="s",
    uuid="1-006",
    name="s",
    type=SystemType.STORAGE,
    owner="owner",
    storage=StorageConfig(host="h", port=22, protocol="SFTP", root_dir="/data", home_dir="/home"),
    created=LONG_AGO,
    last_updated=LONG_AGO,
)
PUBLIC = replace(PRIVATE, public=True)


def may(system: System, role: Role, path: str = "/other/x", **more: Any) -> Permission:
    """What ``al`` may do."""
    known: dict[str, Any] = {"owner": None, "item": NOTHING, "inherited": NOTHING, "inherited_from": None}
    return effective_permission(username="al", role=role, system=system, path=path, **(known | more))


@pytest.mark.parametrize("system", [PRIVATE, PUBLIC])
@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_admins_may_do_all(system: System, role: Role) -> None:
    assert may(system, role, item=Grants(own=READ)) == ALL_PERMISSIONS


def test_nobody_may_do_nothing() -> None:
    found = effective_permission(
        username="",
        role=Role.USER,
        system=PRIVATE,
        path="/x",
        owner=None,
        item=NOTHING,
        inherited=NOTHING,
        inherited_from=None,
    )
    assert found == NO_PERMISSION


@pytest.mark.parametrize(
    ("role", "known", "expected"),
    [
        (Role.USER, {}, ALL_PERMISSIONS),
        (Role.PUBLISHER, {}, ALL_PERMISSIONS),
        (Role.GUEST, {}, READ),
        (Role.NONE, {}, NO_PERMISSION),
        (Role.NONE, {"item": Grants(shared=WRITE)}, WRITE),
        (Role.NONE, {"inherited": Grants(own=WRITE)}, WRITE),
        (Role.NONE, {"item": Grants(own=EXECUTE), "inherited": Grants(own=READ)}, READ),
        (Role.GUEST, {"owner": "al"}, ALL_PERMISSIONS),
        (Role.GUEST, {"owner": "bo"}, READ),
        (Role.USER, {"owner": "al", "item": Grants(own=READ)}, ALL_PERMISSIONS),
        (Role.USER, {"item": Grants(own=READ)}, READ),
        (Role.USER, {"item": Grants(own=READ, shared=WRITE)}, READ),
        (Role.USER, {"item": Grants(shared=WRITE)}, WRITE),
        (Role.GUEST, {"item": Grants(own=WRITE)}, WRITE | READ),
        (Role.GUEST, {"item": Grants(shared=EXECUTE)}, READ | EXECUTE),
        (Role.USER, {"inherited": Grants(own=READ)}, READ),
        (Role.USER, {"item": Grants(own=EXECUTE), "inherited": Grants(own=READ)}, READ),
        (Role.USER, {"item": Grants(own=ALL_PERMISSIONS), "inherited": Grants(own=READ)}, ALL_PERMISSIONS),
    ],
)
def test_private_systems(role: Role, known: dict[str, Any], expected: Permission) -> None:
    assert may(PRIVATE, role, inherited_from="/other", **known) == expected


@pytest.mark.parametrize(
    ("role", "path", "known", "expected"),
    [
        (Role.USER, "/home/al", {}, ALL_PERMISSIONS),
        (Role.USER, "/home/al/x/y", {}, ALL_PERMISSIONS),
        (Role.USER, "/home/alice/x", {}, NO_PERMISSION),
        (Role.USER, "/home", {}, NO_PERMISSION),
        (Role.USER, "/", {}, NO_PERMISSION),
        (Role.USER, "/al/x", {}, NO_PERMISSION),
        (Role.USER, "/other/x", {}, NO_PERMISSION),
        (Role.USER, "/other/x", {"public_default_read": True}, READ),
        (Role.GUEST, "/other/x", {}, READ),
        (Role.GUEST, "/home/al/x", {}, READ),
        (Role.GUEST, "/home/al/x", {"item": Grants(own=WRITE)}, READ | WRITE),
        (
            Role.GUEST,
            "/home/al/x",
            {"inherited": Grants(own=WRITE), "inherited_from": "/home/al"},
            READ | WRITE,
        ),
        (Role.GUEST, "/home/al/x", {"inherited": Grants(own=WRITE), "inherited_from": "/home"}, READ),
        (Role.USER, "/other/x", {"item": Grants(own=READ)}, READ),
        (Role.USER, "/other/x", {"item": Grants(shared=READ)}, READ),
        (Role.USER, "/other/x", {"inherited": Grants(own=READ), "inherited_from": "/"}, READ),
        (Role.USER, "/other/x", {"item": Grants(own=WRITE), "inherited": Grants(own=READ)}, WRITE),
        (Role.USER, "/other/x", {"owner": "al"}, NO_PERMISSION),
        (Role.GUEST, "/other/x", {"item": Grants(own=WRITE)}, READ | WRITE),
    ],
)
def test_public_systems(role: Role, path: str, known: dict[str, Any], expected: Permission) -> None:
    assert may(PUBLIC, role, path, **known) == expected


def test_whose_grants_count() -> None:
    given = [
        FileGrant(file_uuid="f", username=name, permission=permission)
        for name, permission in (("al", READ), ("bo", ALL_PERMISSIONS), ("public", WRITE), ("world", EXECUTE))
    ]
    assert grants_for("al", given) == Grants(own=READ, shared=WRITE | EXECUTE)
    assert grants_for("cy", given) == Grants(shared=WRITE | EXECUTE)
    assert grants_for("public", given) == Grants(own=WRITE)


@pytest.mark.parametrize(
    ("system", "path", "owner"),
    [
        (PRIVATE, "/home/bo/x", "al"),
        (PUBLIC, "/home/bo/x", "bo"),
        (PUBLIC, "/home/bo", "bo"),
        (PUBLIC, "/home", "al"),
        (PUBLIC, "/apps/x", "al"),
        (PUBLIC, "/", "al"),
        (replace(PUBLIC, storage=replace(PUBLIC.storage, home_dir="/")), "/bo/x", "bo"),
    ],
)
def test_who_owns_what_al_writes(system: System, path: str, owner: str) -> None:
    assert owner_of(system, path, "al") == owner


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "/", " "])
def test_a_name_that_is_no_directory_has_no_home(name: str) -> None:
    assert home_of(PUBLIC, name) is None


def test_a_home() -> None:
    assert home_of(PUBLIC, "al") == "/home/al"


def test_words_of_permissions() -> None:
    for bits in range(8):
        permission = permission_from_bits(bits)
        assert permission.bits == bits
        assert file_permission(permission.word.lower()) == permission
    assert file_permission("READ_WRITE_PERMISSION") == READ | WRITE
    assert file_permission("SOME") is None
