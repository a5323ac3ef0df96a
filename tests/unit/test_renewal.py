"""A world's files become what they were: what was touched is copied anew, all else is moved."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.seeds.packs import Pack
from emulator.seeds.renewal import Renewal, Stamps, stamps_of
from tests.real.waiting import wait_until

FILE = "corral/home/a.txt"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    home = tmp_path / "kept" / "corral" / "home"
    (home / "deep" / "deeper").mkdir(parents=True)
    (home / "empty").mkdir(mode=0o750)
    for name in ("a.txt", "b.txt", "deep/c.txt", "deep/deeper/d.txt"):
        (home / name).write_text(name)
        os.utime(home / name, (1_000_000, 1_000_000))
    (home / "b.txt").chmod(0o755)
    (home / "link").symlink_to("a.txt")
    (home / "nowhere").symlink_to("/no/such")
    (tmp_path / "kept" / "other").mkdir()
    return tmp_path / "kept"


@pytest.fixture
def pack(tmp_path: Path, kept: Path) -> Pack:
    (tmp_path / "packed").mkdir()
    Pack.write(kept, tmp_path / "packed")
    return Pack.read(tmp_path / "packed")


@pytest.fixture
def old(tmp_path: Path, pack: Pack) -> Path:
    pack.lay_out(tmp_path / "old")
    pack.settle(tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture
def stamps(old: Path) -> Stamps:
    """Those of all but the world's directory itself: the clock has ticked since the last was made."""
    names = [str(path.relative_to(old)) for path in old.rglob("*")]
    found: Stamps = {}

    def ticked() -> bool:
        nonlocal found
        found = stamps_of(old)
        return sorted(found) == sorted(names)

    wait_until(ticked, 10, "the clock ticks")
    return found


def told(top: Path) -> dict[str, tuple[object, ...]]:
    """All that can be seen of a tree, but inodes."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(top.rglob("*")):
        about = path.lstat()
        if path.is_symlink():
            seen: tuple[object, ...] = (str(path.readlink()),)
        else:
            content = path.read_bytes() if path.is_file() else None
            seen = (content, about.st_mode, about.st_mtime_ns)
        found[str(path.relative_to(top))] = seen
    return found


def _rewritten(home: Path) -> None:
    """In place, of the same size, and with the time that it had."""
    with (home / "a.txt").open("r+") as file:
        file.write("A.TXT")
    os.utime(home / "a.txt", (1_000_000, 1_000_000))


def _swapped(home: Path) -> None:
    for one, other in (("a.txt", "x"), ("b.txt", "a.txt"), ("x", "b.txt")):
        (home / one).rename(home / other)


def _written_through_another_name(home: Path) -> None:
    os.link(home / "deep" / "c.txt", home / "same")
    (home / "same").write_text("other")
    (home / "same").unlink()


def _replaced_by_a_link(home: Path) -> None:
    shutil.rmtree(home / "deep")
    (home / "deep").symlink_to("/")


def _replaced_by_a_directory(home: Path) -> None:
    (home / "a.txt").unlink()
    (home / "a.txt" / "in it").mkdir(parents=True)


def _another_directory(home: Path) -> None:
    (home / "deep" / "deeper").rename(home / "was deeper")
    (home / "deep" / "deeper").mkdir()
    (home / "deep" / "deeper" / "d.txt").write_text("new")


CHANGES: tuple[Callable[[Path], None], ...] = (
    lambda home: None,
    _rewritten,
    _swapped,
    _written_through_another_name,
    _replaced_by_a_link,
    _replaced_by_a_directory,
    _another_directory,
    lambda home: (home / "a.txt").chmod(0o600),
    lambda home: (home / "empty").rmdir(),
    lambda home: (home / "empty").chmod(0o777),
    lambda home: (home / "empty" / "new.txt").touch(),
    lambda home: (home / "link").unlink(),
    lambda home: (home / "deep" / "deeper" / "d.txt").unlink(),
    lambda home: shutil.rmtree(home),
    lambda home: (home / "jobs" / "of-mine").mkdir(parents=True),
)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_done_to_them(
    tmp_path: Path, kept: Path, pack: Pack, old: Path, stamps: Stamps, change: Callable[[Path], None]
) -> None:
    change(old / "corral" / "home")
    as_left = told(old)
    renewal = Renewal(pack, old, tmp_path / "new", stamps)
    renewal.prepare()
    assert told(old) == as_left  # until somebody decides for the new one
    renewal.finish()
    assert told(tmp_path / "new") == told(kept)


def test_only_what_was_touched_is_copied(tmp_path: Path, pack: Pack, old: Path, stamps: Stamps) -> None:
    home = Path("corral/home")
    numbers = {str(path.relative_to(old)): path.lstat().st_ino for path in old.rglob("*")}
    (old / home / "a.txt").write_text("changed")
    (old / home / "new.txt").write_text("new")
    renewal = Renewal(pack, old, tmp_path / "new", stamps)
    renewal.prepare()
    renewal.finish()
    again = {str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*")}
    copied = {name for name in again if (tmp_path / "new" / name).lstat().st_ino != numbers[name]}
    assert copied == {"corral", "corral/home", "corral/home/a.txt"}


def test_what_changed_last_is_not_taken_for_untouched(old: Path) -> None:
    """It might be changed once more within the same tick of the clock."""
    changed = (old / FILE).lstat().st_ctime_ns
    found = stamps_of(old)
    assert all(when < old.stat().st_ctime_ns for _, when in found.values())
    assert (FILE in found) is (changed < old.stat().st_ctime_ns)
