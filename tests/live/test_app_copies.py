"""Publishing and cloning, cut off by ``kill -9``: nothing half-made is left, and it can be done again [apps §6]."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.domain.ports import UNFINISHED
from tests.live.serve_process import ServeProcess
from tests.real.waiting import wait_until
from tests.served import Api

pytestmark = pytest.mark.sample(3)

APP = "classifier-1.0.0"
FILES = 20_000
"""So many that the copy is still under way when it is seen to have begun."""


def files_below(directory: Path) -> int:
    """Bytes of all files, hidden ones too."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def act(url: str, body: dict[str, Any]) -> None:
    """Nobody waits for the answer, which never comes."""
    try:
        Api(url).request("PUT", f"apps/v2/{APP}", json=body)
    except requests.RequestException:
        return


def options(data: Path) -> tuple[str, ...]:
    return ("--port", "0", "--data-dir", str(data), "--auth-default-user", "admin")


@pytest.mark.parametrize(
    ("body", "made", "lies"),
    [
        ({"action": "publish"}, f"{APP}u1", f"{APP}u1.zip"),
        (
            {"action": "clone", "name": "copied", "executionSystem": "tacc.stampede2"},
            "copied-1.0.0",
            "copied-1.0.0",
        ),
    ],
    ids=["publish", "clone"],
)
def test_what_is_cut_off_leaves_nothing(tmp_path: Path, body: dict[str, Any], made: str, lies: str) -> None:
    data = tmp_path / "data"
    with ServeProcess(tmp_path, *options(data)) as serving:
        api = Api(serving.url)
        app = api.call("GET", f"apps/v2/{APP}")
        (folder,) = data.joinpath("hosts").rglob(app["deploymentPath"].rpartition("/")[2])
        many = folder / "many"
        many.mkdir()
        for number in range(FILES):
            (many / f"{number}.txt").write_bytes(b"x")
        before = files_below(data / "hosts")
        request = threading.Thread(target=act, args=(serving.url, body))
        request.start()
        wait_until(lambda: any(data.glob("hosts/*/.incoming/*")), 60, "the copy to have begun")
        serving.kill()
        request.join(60)
    with ServeProcess(tmp_path, *options(data)) as serving:
        api = Api(serving.url)
        assert [one["id"] for one in api.call("GET", "apps/v2")] == [APP]
        assert files_below(data / "hosts") == before
        shutil.rmtree(many)
        assert api.call("PUT", f"apps/v2/{APP}", json=body, expect=202)["id"] == made
        (there,) = data.joinpath("hosts").rglob(lies)
        assert [path for path in there.parent.iterdir() if path.name.startswith(UNFINISHED)] == []
