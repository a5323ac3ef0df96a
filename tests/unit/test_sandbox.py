"""Sandboxes: which directory stands for a machine, and what its files can do."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.hosts.confined import ConfinedFiles
from emulator.hosts.sandbox import SandboxHosts, directory_name
from tests.host_files import HostFilesSuite, Place


@pytest.fixture
def hosts(tmp_path: Path) -> SandboxHosts:
    return SandboxHosts(tmp_path / "hosts")


@pytest.fixture
def files(hosts: SandboxHosts) -> ConfinedFiles:
    return hosts.host("w", "example.org").files


def write(files: ConfinedFiles, path: str, content: bytes = b"content") -> None:
    with files.writer(path) as stream:
        stream.write(content)


def spooled(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "hosts").glob("*/.incoming/*"))


# which directory


def test_a_host_is_a_directory_of_its_world(hosts: SandboxHosts, tmp_path: Path) -> None:
    host = hosts.host("tacc.prod", "Corral.TACC.example.org")
    assert host.files.local_path("/") == tmp_path / "hosts" / "tacc.prod" / "corral.tacc.example.org"
    assert hosts.host("tacc.prod", "corral.tacc.example.org") is host
    assert hosts.host("other", "corral.tacc.example.org") is not host


@given(
    st.text() | st.sampled_from(["", ".", "..", "../../x", "/etc", ".incoming", "a/b", "https://s3/", "\x00"])
)
def test_a_host_name_is_never_a_path(name: str) -> None:
    found = directory_name(name)
    assert found not in ("", ".", "..")
    assert "/" not in found
    assert "\x00" not in found
    assert not found.startswith(".")
    assert len(os.fsencode(found)) <= 255


@given(st.text(max_size=300), st.text(max_size=300))
def test_different_names_have_different_directories(one: str, other: str) -> None:
    assert (directory_name(one) == directory_name(other)) == (one == other)


# files


class TestSandboxFiles(HostFilesSuite):
    """What every host's files keep; below, what is the sandbox's own."""

    @pytest.fixture
    def place(self, files: ConfinedFiles) -> Place:
        real = files.local_path("/")
        assert real is not None
        return Place(files, "/", real)


def test_a_tree_deeper_than_any_path_is_removed(files: ConfinedFiles, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept", encoding="utf-8")
    files.mkdir("/deep/beside/d")
    top = files.local_path("/deep")
    assert top is not None
    here = os.open(top, os.O_RDONLY)
    for level in range(3000):
        os.mkdir("d", dir_fd=here)
        os.symlink(outside, f"link{level}", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)
    files.remove("/deep")
    assert files.names("/") == []
    assert (outside / "kept").exists()


def test_any_time_of_change_can_be_told(files: ConfinedFiles) -> None:
    write(files, "/a")
    path = files.local_path("/a")
    assert path is not None
    os.utime(path, (0, -86400))
    assert files.stat("/a").last_modified == datetime(1970, 1, 1, tzinfo=UTC)
    os.utime(path, (0, 1_600_000_000))
    assert files.stat("/a").last_modified == datetime.fromtimestamp(1_600_000_000, UTC)


def test_a_new_start_drops_what_a_crash_left(files: ConfinedFiles, tmp_path: Path) -> None:
    incoming = files.incoming("/")
    incoming.__enter__()  # as if the process had died here
    assert len(spooled(tmp_path)) == 1
    SandboxHosts(tmp_path / "hosts")
    assert spooled(tmp_path) == []


def test_a_sandbox_that_was_removed_is_made_again(files: ConfinedFiles, tmp_path: Path) -> None:
    (tmp_path / "hosts" / "w" / "example.org").rmdir()
    write(files, "/a")
    assert files.names("/") == ["a"]
