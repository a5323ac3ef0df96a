"""An emulator killed while a world is made, exchanged or removed: the next start has the old world or the new."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.domain.errors import Unavailable
from emulator.domain.world import NewWorld
from emulator.seeds.packs import Pack
from emulator.store.worlds import WorldRows
from tests.live.world_victim import DIED, VICTIM
from tests.served import Api, served

_MAKING = ("grown", "kept", "laid out", "cleared", "rows put back", "saved")
_RENEWING = ("renewed", "moved")
_EXCHANGED = ("saved", "files gone", "not moved", "moved")
_campaign = pytest.mark.campaign


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("deed", "point"),
    [
        ("reset", "not moved"),
        ("create", "rows put back"),
        ("reset", "rows put back"),
        ("restore", "laid out"),
        ("delete", "saved"),
        *(pytest.param(deed, point, marks=_campaign) for deed in ("create", "restore") for point in _MAKING),
        *(
            pytest.param("reset", point, marks=_campaign)
            for point in (*_RENEWING, "cleared", "rows put back", "saved")
        ),
        pytest.param("delete", "cleared", marks=_campaign),
        pytest.param("delete", "removed", marks=_campaign),
        pytest.param("delete", "files gone", marks=_campaign),
        pytest.param("reset", "files gone", marks=_campaign),
    ],
)
def test_the_next_start_has_one_or_the_other(tmp_path: Path, deed: str, point: str) -> None:
    words = [sys.executable, "-m", "tests.live.world_victim", str(tmp_path), point, deed]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == DIED, done.stderr
    with served(tmp_path) as emulator:
        worlds = emulator.services.worlds
        states = {state.world.name: state for state in worlds.all()}
        there = deed in ("reset", "restore") or (deed == "create" and point == "saved")
        if deed == "delete" and point in ("cleared", "removed"):  # the transaction had not come to its end
            there = True
        assert (VICTIM in states) is there
        if there:
            exchanged = deed in ("reset", "restore") and point in _EXCHANGED
            assert states[VICTIM].world.generation == (2 if exchanged else 1)
            assert states[VICTIM].counts == {"users": 42, "systems": 2, "apps": 1, "jobs": 0}
            _is_whole(emulator.url, tmp_path)
            worlds.reset(VICTIM)
        else:
            worlds.create(NewWorld(name=VICTIM))
        _is_whole(emulator.url, tmp_path)
        worlds.delete(VICTIM)
    with served(tmp_path):
        # nothing is left over of any of it
        for folder in ("worlds", "hosts"):
            assert not [
                path.name for path in (tmp_path / folder).iterdir() if not path.name.startswith("default")
            ]


def test_a_reset_that_failed_leaves_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done after the next one is there after a start."""

    def full(*_: object) -> None:
        raise Unavailable("no room")

    with served(tmp_path) as emulator:
        worlds = emulator.services.worlds
        worlds.create(NewWorld(name=VICTIM))
        with monkeypatch.context() as patched:
            patched.setattr(WorldRows, "put_back", full)
            with pytest.raises(Unavailable):
                worlds.reset(VICTIM)
        worlds.reset(VICTIM)
        (home,) = (tmp_path / "hosts").glob(f"{VICTIM}*/corral*")
        (home / "new.txt").write_text("kept")
    with served(tmp_path):
        assert (home / "new.txt").read_text() == "kept"


def _is_whole(url: str, data: Path) -> None:
    """The default world, and files of both: all that was kept, with nothing of what was being done."""
    assert Api(url).call("GET", "apps/v2/classifier-1.0.0")["id"] == "classifier-1.0.0"
    homes = [path for path in (data / "hosts").iterdir() if path.name.startswith((VICTIM, "default"))]
    for home in homes:
        (kept,) = (data / "worlds").glob(f"{home.name.partition('.')[0]}.*")
        assert list(home.rglob("classify.py")), home
        assert _names(home) == sorted(item.path for item in Pack.read(kept).items)
        assert not (kept / "unfinished").exists()


def _names(top: Path) -> list[str]:
    found = (str(path.relative_to(top)) for path in top.rglob("*"))
    return sorted(name for name in found if not name.startswith("."))
