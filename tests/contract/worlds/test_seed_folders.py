"""Seeds that people write: folders in readable YAML, JSON and files; mistakes are told with file and entry."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from tests.contract.worlds.full_world import control
from tests.served import Api, course_document

WORLD = """
tenant: {code: school.prod, name: School, admins: [teacher]}
default_user: pupil
clock: frozen
chance_seed: 11
simulated: {"*": {duration: 1m}}
users:
  - {username: teacher, password: one, first_name: Tea}
  - {username: pupil, password: two, default_systems: {STORAGE: school.disk}}
clients:
  - {name: prepared, owner: pupil, key: AAAAAAAAAAAAAAAAAAAAAAAAAAAA, secret: BBBBBBBBBBBBBBBBBBBBBBBBBBBB}
"""
DISK = {
    "id": "school.disk",
    "name": "Disk",
    "type": "STORAGE",
    "storage": {
        "host": "Disk.School.example.org",
        "port": 22,
        "protocol": "SFTP",
        "rootDir": "/",
        "homeDir": "/home",
        "auth": {"username": "u", "password": "p", "type": "PASSWORD"},
    },
    "seed": {"owner": "teacher", "public": True},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small seed of one's own."""
    seed = tmp_path / "school"
    (seed / "systems").mkdir(parents=True)
    (seed / "world.yaml").write_text(WORLD)
    (seed / "systems" / "disk.json").write_text(json.dumps(DISK))
    home = seed / "files" / "Disk.School.example.org" / "home" / "pupil"
    home.mkdir(parents=True)
    (home / "hello.txt").write_text("hello\n")
    (home / "run.sh").write_text("#!/bin/sh\n")
    (home / "run.sh").chmod(0o755)
    (home / "shortcut").symlink_to("hello.txt")
    (seed / "metadata").mkdir()
    record = {"record": {"kind": "metadata", "name": "note", "content": {"a": 1}, "owner": "pupil"}}
    (seed / "metadata" / "note.json").write_text(json.dumps(record))
    (seed / "scenarios").mkdir()
    rule = "name: slow-start\nrules:\n  - {at: http.jobs.submit, do: {status: 503}, times: once}\n"
    (seed / "scenarios" / "01.yaml").write_text(rule)
    return seed


def test_a_folder_written_by_hand(url: str, folder: Path) -> None:
    world = control(url, "POST", expect=201, json={"name": "school", "seed": str(folder), "listener": True})
    assert (world["tenant"], world["user"], world["chance_seed"]) == ("school.prod", "pupil", 11)
    pupil = Api(world["url"])
    assert pupil.call("GET", "profiles/v2/me")["username"] == "pupil"
    system = pupil.call("GET", "systems/v2/school.disk")
    assert system["public"] and system["owner"] == "teacher"
    assert pupil.request("GET", "files/v2/media/system/school.disk/pupil/hello.txt").text == "hello\n"
    assert pupil.request("GET", "files/v2/media/system/school.disk/pupil/shortcut").text == "hello\n"
    listed = {
        f["name"]: f["permissions"] for f in pupil.call("GET", "files/v2/listings/system/school.disk/pupil")
    }
    assert set(listed) >= {"hello.txt", "run.sh", "shortcut"}
    assert [item["name"] for item in pupil.call("GET", "meta/v2/data")] == ["note"]
    keys = ("A" * 28, "B" * 28)
    form = {"grant_type": "password", "username": "pupil", "password": "two"}
    assert requests.post(f"{world['url']}/token", data=form, auth=keys, timeout=60).json()["access_token"]
    assert [each["name"] for each in control(url, "GET", "/school/scenarios")] == ["slow-start"]
    assert [each["app"] for each in control(url, "GET", "/school/simulations")] == ["*"]
    uuid = system["uuid"]
    control(url, "DELETE", "/school/scenarios")
    control(url, "POST", "/school/reset")
    assert pupil.call("GET", "systems/v2/school.disk")["uuid"] == uuid
    assert [each["name"] for each in control(url, "GET", "/school/scenarios")] == ["slow-start"]
    control(url, "DELETE", "/school")


def _set(name: str, text: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    return change


def _world(old: str, new: str) -> Callable[[Path], object]:
    return _set("world.yaml", WORLD.replace(old, new))


def _bad_disk(**changes: Any) -> Callable[[Path], object]:
    return _set("systems/disk.json", json.dumps(DISK | changes))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_world("tenant:", "tenat:"), ["world.yaml", "tenat", "did you mean tenant"]),
        (_world("username: teacher, ", ""), ["world.yaml", "users: entry 1", "username"]),
        (_world("first_name: Tea", "frist_name: Tea"), ["users: teacher", "did you mean first_name"]),
        (_world("first_name: Tea", "first_name: [1]"), ["users: teacher", "first_name: must be a text"]),
        (_world("password: one, ", ""), ["users: teacher", "password: is missing"]),
        (_world("username: pupil", "username: teacher"), ["users: teacher", "is there twice"]),
        (_world("username: pupil", "username: 'a/b'"), ["users: a/b", "username"]),
        (_world("clock: frozen", "clock: molten"), ["world.yaml", "clock.mode", "frozen"]),
        (_world("chance_seed: 11", "chance_seed: x"), ["world.yaml", "chance_seed"]),
        (_world("duration: 1m", "duratoin: 1m"), ["simulated", "duratoin"]),
        (_world("name: prepared", "nam: prepared"), ["clients", "entry 1", "did you mean name"]),
        (_world("[teacher]", "[teacher"), ["world.yaml", "line"]),
        (_set("world.yaml", "a: &x [1]\nb: [*x, *x]"), ["world.yaml", "line 2", "aliases"]),
        (_set("world.yaml", "[" * 5000), ["world.yaml", "nested"]),
        (_set("world.yaml", ""), ["world.yaml", "mapping"]),
        (_set("world.yaml", "snapshot: 99\ntenant: {code: t}"), ["world.yaml", "snapshot", "99"]),
        (_bad_disk(id=""), ["disk.json", "id"]),
        (_bad_disk(seed={"ownr": "teacher"}), ["disk.json", "ownr", "owner"]),
        (_bad_disk(seed=3), ["disk.json", "seed"]),
        (_set("systems/disk.json", "{"), ["disk.json", "JSON"]),
        (_set("systems/disk.json", "[]"), ["disk.json", "JSON object"]),
        (_set("systems/second.json", json.dumps(DISK)), ["second.json"]),
        (_set("apps/a.json", json.dumps(course_document("app.json"))), ["a.json"]),
        (
            _set("metadata/bad.json", '{"record": {"kind": "metadata"}}'),
            ["bad.json", "record.content", "missing"],
        ),
        (
            _set("metadata/bad.json", '{"record": {"kind": "meat"}}'),
            ["bad.json", "record.kind", "metadata, schema"],
        ),
        (_set("metadata/bad.json", '{"reocrd": {}}'), ["bad.json", "reocrd", "record"]),
        (
            _set("metadata/bad.json", '{"record": {"kind": "metadata", "content": 1}, "grants": 1}'),
            ["grants"],
        ),
        (_set("jobs/one.json", '{"record": {"id": "x"}}'), ["one.json", "record."]),
        (_set("files.json", "{}"), ["files.json", "list"]),
        (_set("files.json", '[{"record": {"path": 1}}]'), ["files.json", "entry 1", "record.path"]),
        (_set("files/loose.txt", "x"), ["loose.txt", "folder named for a host"]),
        (_set("scenarios/02.yaml", "rules: [{at: job.stagng, do: fail}]"), ["02.yaml", "job.stagng"]),
    ],
)
def test_a_mistake_is_told_with_file_and_entry(
    url: str, emulator: Emulator, folder: Path, change: Callable[[Path], object], told: list[str]
) -> None:
    change(folder)
    error = control(url, "POST", expect=400, json={"name": "school", "seed": str(folder)})["error"]
    for part in told:
        assert part in error, error
    control(url, "GET", "/school", expect=404)
    assert not [
        path for name in ("worlds", "hosts") for path in (emulator.directory.path / name).glob("*school*")
    ]


def test_a_mistake_in_a_restore_changes_nothing(url: str, folder: Path) -> None:
    made = control(url, "POST", expect=201, json={"name": "stays", "seed": str(folder), "listener": True})
    before = Api(made["url"]).call("GET", "systems/v2/school.disk")
    (folder / "systems" / "disk.json").write_text("{")
    control(url, "POST", "/stays/restore", expect=400, json={"seed": str(folder)})
    assert Api(made["url"]).call("GET", "systems/v2/school.disk") == before
    assert control(url, "GET", "/stays")["generation"] == 1
    control(url, "DELETE", "/stays")


def test_a_large_seed(url: str, folder: Path) -> None:
    home = folder / "files" / "Disk.School.example.org" / "home" / "pupil"
    for number in range(2000):
        (home / f"{number:04d}.txt").write_text("x")
    users = "".join(f"  - {{username: user{number:04d}, password: same}}\n" for number in range(1000))
    (folder / "world.yaml").write_text(WORLD.replace("users:\n", f"users:\n{users}"))
    made = control(url, "POST", expect=201, json={"name": "large", "seed": str(folder), "listener": True})
    assert made["users"] == 1002
    assert len(Api(made["url"]).call("GET", "files/v2/listings/system/school.disk/pupil?limit=5000")) > 2000
    control(url, "POST", "/large/reset")
    control(url, "DELETE", "/large")


# tars that come from anybody


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz", world: str = WORLD) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for member, content in ((tarfile.TarInfo("world.yaml"), world.encode()), *members):
            member.size = member.size or len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b""
) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member, content


@pytest.mark.parametrize(
    "members",
    [
        [entry("../out.txt", content=b"x")],
        [entry("/tmp/out.txt", content=b"x")],
        [entry("files/../../out.txt", content=b"x")],
        [entry("files/h/link", tarfile.LNKTYPE, "/etc/passwd")],
        [entry("files/h/null", tarfile.CHRTYPE)],
        [entry("files/h/pipe", tarfile.FIFOTYPE)],
        [entry("systems/disk.json", tarfile.SYMTYPE, "/etc/passwd")],
        [entry("files/h", tarfile.SYMTYPE, "/tmp"), entry("files/h/out.txt", content=b"x")],
        [entry("files/h", tarfile.SYMTYPE, "/tmp"), entry("files/h/out", tarfile.SYMTYPE, "x")],
        [entry("files", tarfile.SYMTYPE, "/etc")],
        [entry("files/h", tarfile.SYMTYPE, "/etc")],
        [entry("files/h", tarfile.DIRTYPE), entry("files/h", tarfile.SYMTYPE, "/etc")],
        [entry("world.yaml", content=b"again")],
        [entry("world.yaml/below", content=b"x")],
        [entry("files/" + "d/" * 300 + "deep", content=b"x")],
        [entry("files/h/" + "n" * 300, content=b"x")],
    ],
)
def test_a_tar_cannot_reach_out(url: str, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    refused = control(url, "POST", expect=400, params={"name": "evil"}, data=tar(*members), headers=TAR)
    assert refused["error"]
    assert not os.path.lexists("/tmp/out.txt") and not os.path.lexists("/tmp/out")
    control(url, "GET", "/evil", expect=404)


TAR = {"Content-Type": "application/x-tar"}


def test_links_in_files_lead_nowhere_outside_the_machine(url: str) -> None:
    disk = entry("systems/disk.json", content=json.dumps(DISK).encode())
    link = entry("files/disk.school.example.org/home/pupil/passwd", tarfile.SYMTYPE, "/etc/passwd")
    up = entry("files/disk.school.example.org/home/pupil/up", tarfile.SYMTYPE, "../" * 20 + "etc/passwd")
    query = {"name": "links", "listener": "true"}
    made = control(url, "POST", expect=201, params=query, data=tar(disk, link, up), headers=TAR)
    pupil = Api(made["url"])
    for name in ("passwd", "up"):
        assert pupil.request("GET", f"files/v2/media/system/school.disk/pupil/{name}").status_code == 404
    control(url, "DELETE", "/links")


def test_an_uploaded_seed_names_nothing_of_the_emulators_machine(url: str) -> None:
    for world in (
        WORLD + "systems: [{file: /etc/hostname}]\n",
        WORLD + "systems: [{file: ../../emulator.db}]\n",
    ):
        error = control(url, "POST", expect=400, data=tar(world=world), headers=TAR)["error"]
        assert "outside the seed" in error


@pytest.mark.parametrize(
    "body",
    [b"no tar", b"\x1f\x8b\x08 no gzip", b"", tar()[:100], tar(mode="w")[:700]],
    ids=["text", "head", "empty", "cut gzip", "cut tar"],
)
def test_what_is_no_tar_is_told(url: str, body: bytes) -> None:
    assert "tar" in control(url, "POST", expect=400, data=body, headers=TAR)["error"]


def test_bombs_do_not_go_off(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.seeds.archive.LARGEST", 8 * 1024 * 1024)
    zeros = entry("files/h/zeros", content=bytes(16 * 1024 * 1024))
    assert "bytes" in control(url, "POST", expect=400, data=tar(zeros), headers=TAR)["error"]
    header = tarfile.TarInfo("huge")
    header.type, header.size = tarfile.XHDTYPE, 1 << 40
    out = io.BytesIO()
    out.write(header.tobuf())
    assert "header" in control(url, "POST", expect=400, data=out.getvalue(), headers=TAR)["error"]
    many = [entry(f"files/h/{number}") for number in range(300)]
    monkeypatch.setattr("emulator.seeds.archive.MOST_ENTRIES", 200)
    assert "entries" in control(url, "POST", expect=400, data=tar(*many), headers=TAR)["error"]
