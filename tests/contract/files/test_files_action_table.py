"""Every PUT action × what lies at its target: status, message, and that a refusal changes nothing [files §7]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.files.conftest import Bench, act, tree

NO_SUCH = (404, "No such file or directory")
SAME = (400, "Source and destination locations cannot be the same.")
OUTSIDE = (
    404,
    "The specified path {path} does not exist or the user does not have permission to view it.",
)
ROOT = (400, "No path specified.")
NO_MKDIR_PATH = (
    400,
    "No path value provided. Please provide the path of the new directory to create. Paths may be absolute or "
    "relative to the path given in the url.",
)
NO_NAME = (
    400,
    "No 'path' value provided. Please provide the new name of the file or folder in the 'path' attribute.",
)
NO_DESTINATION = (400, "Please specify a destination location")
COPIED, MOVED, RENAMED = (200, "Copy success"), (200, "Move success"), (200, "Rename success")
MADE = (201, None)

# /home holds: file ("1"), other ("2"), dir/in ("3"), full/file ("4"), full/sub/ ; the URL's path comes first
CASES: list[tuple[str, str, str | None, tuple[int, str | None]]] = [
    # mkdir: relative to the URL's path, whatever it begins with
    ("mkdir", "", "new", MADE),
    ("mkdir", "", "a/b/c", MADE),
    ("mkdir", "dir", "/new", MADE),
    ("mkdir", "//", "new", MADE),
    ("mkdir", "", "dir", (200, "Directory /home/dir already exists")),
    ("mkdir", "", "dir/", (200, "Directory /home/dir already exists")),
    ("mkdir", "", ".", (200, "Directory /home already exists")),
    ("mkdir", "", "/", (200, "Directory /home already exists")),
    ("mkdir", "dir", "..", (200, "Directory /home already exists")),
    ("mkdir", "", "..", (200, "Directory / already exists")),
    ("mkdir", "//", "home", (200, "Directory /home already exists")),
    ("mkdir", "", "file", (400, "A file already exists at /home/file")),
    ("mkdir", "", "file/new", (400, "Failed to create directory /home/file/new")),
    ("mkdir", "file", "new", (400, "Failed to create directory /home/file/new")),
    ("mkdir", "nope", "new", NO_SUCH),
    ("mkdir", "", "../..", OUTSIDE),
    ("mkdir", "", None, NO_MKDIR_PATH),
    ("mkdir", "", "", NO_MKDIR_PATH),
    # rename: a name in the same directory
    ("rename", "file", "new", RENAMED),
    ("rename", "dir", "new", RENAMED),
    ("rename", "full/sub", "file2", RENAMED),
    ("rename", "file", "other", (400, "A File or folder at /home/other already exists")),
    ("rename", "file", "dir", (400, "A File or folder at /home/dir already exists")),
    ("rename", "dir", "full", (400, "A File or folder at /home/full already exists")),
    ("rename", "file", "file", (400, "A File or folder at /home/file already exists")),
    ("rename", "dir", "dir/x", (400, "Invalid name dir/x")),
    ("rename", "file", "/home/x", (400, "Invalid name /home/x")),
    ("rename", "file", "..", (400, "Invalid name ..")),
    ("rename", "file", ".", (400, "Invalid name .")),
    ("rename", "file", "/", (400, "Invalid name /")),
    ("rename", "dir", "../../..", OUTSIDE),
    ("rename", "", "x", ROOT),
    ("rename", "//", "x", ROOT),
    ("rename", "//home", "x", ROOT),
    ("rename", "nope", "x", NO_SUCH),
    ("rename", "file", None, NO_NAME),
    # copy: as cp -rLf
    ("copy", "file", "new", COPIED),
    ("copy", "file", "/new", COPIED),
    ("copy", "file", "other", COPIED),
    ("copy", "file", "dir", COPIED),
    ("copy", "file", "/", COPIED),
    ("copy", "full/file", "/home", COPIED),
    ("copy", "dir", "new", COPIED),
    ("copy", "dir", "full", COPIED),
    ("copy", "dir", "/", COPIED),
    ("copy", "file", "/home", SAME),
    ("copy", "file", "file", SAME),
    ("copy", "file", "//home/FILE", SAME),
    ("copy", "file", "dir/../file", SAME),
    ("copy", "dir", "dir", SAME),
    ("copy", "", "/home", SAME),
    ("copy", "file", "file/x", NO_SUCH),
    ("copy", "file", "nope/x", NO_SUCH),
    ("copy", "dir", "dir/x", (400, "/home/dir cannot be copied into itself")),
    ("copy", "", "dir/x", (400, "/home cannot be copied into itself")),
    ("copy", "//", "/new", (400, "/ cannot be copied into itself")),
    ("copy", "dir", "file", (400, "File at /home/file already exists")),
    ("copy", "full", "/", COPIED),
    ("copy", "nope", "x", NO_SUCH),
    ("copy", "file", "../../x", OUTSIDE),
    ("copy", "file", None, NO_DESTINATION),
    ("copy", "file", "", NO_DESTINATION),
    # move: to where nothing is
    ("move", "file", "new", MOVED),
    ("move", "file", "/new", MOVED),
    ("move", "dir", "full/sub/dir", MOVED),
    ("move", "file", "other", (400, "Destination already exists: /home/other")),
    ("move", "file", "dir", (400, "Folder at /home/dir already exists")),
    ("move", "dir", "file", (400, "File at /home/file already exists")),
    ("move", "dir", "full", (400, "Destination already exists: /home/full")),
    ("move", "file", "file", SAME),
    ("move", "dir", "DIR", SAME),
    ("move", "dir", "dir/x", (400, "/home/dir cannot be moved into itself")),
    ("move", "file", "/", (400, "Folder at / already exists")),
    ("move", "dir", "/", (400, "Destination already exists: /")),
    ("move", "dir", "/home", (400, "Destination already exists: /home")),
    ("move", "file", "file/x", NO_SUCH),
    ("move", "file", "nope/x", NO_SUCH),
    ("move", "", "/x", ROOT),
    ("move", "//", "/x", ROOT),
    ("move", "nope", "x", NO_SUCH),
    ("move", "file", "../../x", OUTSIDE),
    ("move", "file", None, NO_DESTINATION),
]


def furnished(bench: Bench) -> tuple[str, Path]:
    system = bench.system()
    for path, content in (("file", b"1"), ("other", b"2"), ("dir/in", b"3"), ("full/file", b"4")):
        bench.put(system, f"/home/{path}", content)
    return system, bench.make(system, "/home/full/sub").parents[2]


@pytest.mark.parametrize(("action", "path", "target", "wanted"), CASES)
def test_an_action_and_its_target(
    bench: Bench, action: str, path: str, target: str | None, wanted: tuple[int, str | None]
) -> None:
    system, root = furnished(bench)
    before = tree(root)
    body: dict[str, Any] = {"action": action} | ({} if target is None else {"path": target})
    answer = act(bench, f"{system}/{path}", **body)
    status, message = wanted
    said = answer.json["message"]
    assert (answer.status, said) == (status, message.format(path=target) if message else None)
    if status < 300:
        record = answer.json["result"]
        shown = bench.call("GET", f"listings/system/{system}/{record['path']}")
        assert record["nativeFormat"] == ("dir" if shown[0]["type"] == "dir" else "raw")
    if status >= 400 or (status == 200 and action == "mkdir"):
        assert tree(root) == before
    else:
        assert tree(root) != before


AFTER = {
    ("copy", "file", "dir"): {"home/dir/file": "1", "home/file": "1"},
    ("copy", "file", "other"): {"home/other": "1"},
    ("copy", "file", "/"): {"file": "1"},
    ("copy", "full/file", "/home"): {"home/file": "4"},
    ("copy", "dir", "full"): {"home/full/in": "3", "home/full/file": "4", "home/dir/in": "3"},
    ("copy", "dir", "/"): {"in": "3"},
    ("copy", "full", "/"): {"file": "4", "sub": "/"},
    ("move", "dir", "full/sub/dir"): {"home/full/sub/dir/in": "3"},
}


@pytest.mark.parametrize(("case", "changed"), AFTER.items(), ids=lambda value: " ".join(map(str, value)))
def test_what_it_leaves(bench: Bench, case: tuple[str, str, str], changed: dict[str, str]) -> None:
    system, root = furnished(bench)
    action, path, target = case
    assert act(bench, f"{system}/{path}", action=action, path=target).status == 200
    after = tree(root)
    assert {name: after.get(name) for name in changed} == changed
    assert ("home/dir" in after) is (action == "copy")


@pytest.mark.parametrize(
    ("target", "content", "name"),
    [("other", "21", "other"), ("new", "1", "new"), ("dir", "1", "dir/file"), ("dir/in", "31", "dir/in")],
)
def test_append(bench: Bench, target: str, content: str, name: str) -> None:
    system, root = furnished(bench)
    answer = act(bench, f"{system}/file", action="copy", path=target, append=True)
    assert (answer.status, answer.json["message"]) == COPIED
    assert tree(root)[f"home/{name}"] == content
