"""One process per data directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emulator.data_directory import DataDirectory, DirectoryInUse


def test_a_held_directory_refuses_a_second_holder(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    first.acquire()
    with pytest.raises(DirectoryInUse, match=str(os.getpid())):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_an_ephemeral_one_leaves_nothing() -> None:
    directory = DataDirectory.temporary()
    directory.acquire()
    (directory.path / "something").write_text("x")
    directory.release()
    assert not directory.path.exists()


def test_what_the_server_announces_is_gone_when_it_is(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    assert directory.announced() is None
    directory.acquire()
    directory.announce({"url": "http://localhost:1"})
    assert DataDirectory(tmp_path).announced() == {"url": "http://localhost:1"}
    directory.release()
    assert DataDirectory(tmp_path).announced() is None
    (tmp_path / "server.json").write_text("half a docu")
    assert directory.announced() is None
