"""A tree of files in two files: what comes out is what went in, whatever it is called, and whoever works there."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from emulator.seeds.packs import Pack


def packed(tmp_path: Path, home: Path) -> Pack:
    (tmp_path / "pack").mkdir()
    Pack.write(home, tmp_path / "pack")
    return Pack.read(tmp_path / "pack")


def test_names_contents_links_modes_and_times(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    deep = home / "m" / "a" / "b"
    deep.mkdir(parents=True)
    (home / ".incoming").mkdir()
    contents = {"": b"", "large": os.urandom(3 * 1024 * 1024 + 17), "zeros": bytes(4096)}
    names = [
        "plain",
        "ünï\u2028code",
        "new\nline",
        "-dash",
        os.fsdecode(b"not utf-8 \xff\xfe"),
        "a.b",
        "a-b",
        "x" * 255,
    ]
    for number, name in enumerate(names):
        (deep / name).write_bytes(list(contents.values())[number % 3])
        (deep / name).chmod(0o640)
    (home / "m" / "a b").mkdir()
    (deep / "link").symlink_to("../../../../outside")
    os.mkfifo(deep / "pipe")
    os.utime(deep / "plain", ns=(1, 1_234_567_890_123_456_789))
    (home / "m" / "a").chmod(0o550)
    os.utime(home / "m" / "a", ns=(1, 987_654_321_000_000_001))
    pack = packed(tmp_path, home)
    pack.lay_out(out)
    pack.settle(out)
    found = {os.fsencode(path.relative_to(out)) for path in out.rglob("*")}
    expected = {os.fsencode(path.relative_to(home)) for path in home.rglob("*")}
    assert found == expected - {b".incoming", b"m/a/b/pipe"}
    for name in names:
        old, new = deep / name, out / "m" / "a" / "b" / name
        assert new.read_bytes() == old.read_bytes()
        assert (new.stat().st_mode, new.stat().st_mtime_ns) == (old.stat().st_mode, old.stat().st_mtime_ns)
    assert str((out / "m/a/b/link").readlink()) == "../../../../outside"
    about = (out / "m" / "a").stat()
    assert (about.st_mode & 0o777, about.st_mtime_ns) == (0o550, 987_654_321_000_000_001)


def test_what_was_cut_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "file").write_bytes(b"whole")
    pack = packed(tmp_path, home)
    (tmp_path / "pack" / "packed.bin").write_bytes(b"who")
    with pytest.raises(OSError, match="ends before"):
        pack.lay_out(tmp_path / "out")


def test_files_come_and_go_meanwhile(tmp_path: Path) -> None:
    home = tmp_path / "home" / "m"
    home.mkdir(parents=True)
    (home / "stays").write_text("stays")
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            for number in range(50):
                (home / f"{number}").mkdir()
                (home / f"{number}" / "file").write_bytes(b"x" * number)
            for number in range(50):
                (home / f"{number}" / "file").unlink()
                (home / f"{number}").rmdir()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(20):
            (tmp_path / f"pack-{number}").mkdir()
            pack = Pack.write(tmp_path / "home", tmp_path / f"pack-{number}")
            pack.lay_out(tmp_path / f"out-{number}")
            assert (tmp_path / f"out-{number}" / "m" / "stays").read_text() == "stays"
    finally:
        over.set()
        worker.join()
