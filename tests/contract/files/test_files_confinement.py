"""Nothing outside a system's root is read or written, by whatever text names it [files §2]."""

from __future__ import annotations

import json
import shutil
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.files.conftest import Bench, tree
from tests.real.waiting import wait_until

# dots and slashes in other scripts, which some systems fold to ASCII
LOOK_ALIKES = "\uff0e\uff0e \u2024\u2024 \u2025 \u2215 \u2044 \uff0f \u29f8 \ufe68 \uff3c \u200b.. ..\u0000"
SPELLED = (
    ".. . ... %2e%2e .%2e %252e%252e ..%2f %2f %5c ..%5c \\ ..\\.. ~ ~root C: c:\\ C:/.. out up home file"
)
LONE_SPACE = " "
PIECE = st.sampled_from([*SPELLED.split(), *LOOK_ALIKES.split(" "), LONE_SPACE, "", "outside", "secret"])
PATHS = st.lists(PIECE, min_size=1, max_size=7).map("/".join) | st.tuples(
    st.sampled_from(["/", "//", "\\", "/ /", "C:", "c:/", " /"]),
    st.lists(PIECE, min_size=1, max_size=6).map("/".join),
).map("".join)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


AROUND = {"data": "/", "data/outside": "/", "data/outside/secret": "outside!", "secret": "outside!"}


class Cell:
    """A system with rootDir /data/root, and what lies around that on its machine."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.system = bench.system(root="/data/root", home="/home")
        self.root = bench.real(self.system, "/")
        self.machine = self.root.parents[1]
        for name, content in AROUND.items():
            if content == "/":
                (self.machine / name).mkdir(exist_ok=True)
            else:
                (self.machine / name).write_text(content)
        self.furnish()

    def furnish(self) -> None:
        """The same again for every example."""
        shutil.rmtree(self.root, ignore_errors=True)
        home = self.root / "home"
        home.mkdir(parents=True)
        (home / "file").write_text("inside")
        (home / "out").symlink_to(self.machine / "data" / "outside")
        (home / "up").symlink_to("../../..")

    def check(self) -> None:
        """What lies outside is as it was, and none of it has come inside."""
        found = tree(self.machine)
        inside = {name: text for name, text in found.items() if name.startswith("data/root")}
        assert {name: text for name, text in found.items() if name not in inside} == AROUND
        assert "outside!" not in inside.values()
        self.furnish()


@pytest.fixture(scope="module")
def cell(bench: Bench) -> Cell:
    return Cell(bench)


def sent(path: str, doubly: bool) -> str:
    """As a client escapes it: once, twice, or leaving alone what is escaped already."""
    return quote(quote(path, safe="/"), safe="/") if doubly else quote(path, safe="/%\\", errors="replace")


@FUZZ
@given(
    PATHS,
    st.booleans(),
    st.sampled_from(["listings", "media", "history", "pems", "index", "download/u"]),
    st.sampled_from(["GET", "DELETE"]),
)
def test_urls(cell: Cell, path: str, doubly: bool, route: str, method: str) -> None:
    method = method if route in ("media", "pems") else "GET"
    answer = cell.bench.request(method, f"{route}/system/{cell.system}/{sent(path, doubly)}")
    assert answer.status < 500 or answer.status == 501, answer.body
    assert b"outside!" not in answer.body
    cell.check()


@FUZZ
@given(PATHS, st.sampled_from(["mkdir", "rename", "copy", "move"]), st.booleans())
def test_targets_of_actions(cell: Cell, path: str, action: str, append: bool) -> None:
    body = {"action": action, "path": path, "append": append}
    where = "" if action == "mkdir" else "file"
    answer = cell.bench.request("PUT", f"media/system/{cell.system}/{where}", body=body)
    assert answer.status < 500, answer.body
    cell.check()


@FUZZ
@given(PATHS)
def test_names_of_uploads(cell: Cell, name: str) -> None:
    answer = cell.bench.upload(f"system/{cell.system}", b"up", None, fileName=name)
    assert answer.status in (202, 400, 404), answer.body  # 404: a link there leads out
    if answer.status == 202:
        path = answer.json["result"]["path"]
        assert path.startswith("/home/")
        assert path.count("/") == 2
    cell.check()


@settings(FUZZ, max_examples=60)
@given(PATHS, PATHS)
def test_imports(cell: Cell, source: str, name: str) -> None:
    body: dict[str, Any] = {"urlToIngest": f"agave://{cell.system}/{source}", "fileName": name}
    answer = cell.bench.request(
        "POST",
        f"media/system/{cell.system}/home",
        body=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status in (202, 400, 404), answer.body
    wait_until(lambda: not _waiting(cell), what="the end of the import")
    cell.check()


def _waiting(cell: Cell) -> bool:
    with cell.bench.store.read() as tx:
        return bool(tx.file_stagings.all())
