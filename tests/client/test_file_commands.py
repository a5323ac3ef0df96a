"""Files through the unmodified clients: every command of tapis-cli, and what agavepy adds [clients §3, §5]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.client.conftest import STORAGE, Page
from tests.real.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("course-page"), pytest.mark.sample(6, of="module")]

HOME = "/home/testuser/commands"
URI = f"agave://{STORAGE}{HOME}"


@pytest.fixture(scope="module")
def folder(page: Page) -> Iterator[str]:
    """A directory with a file and a directory, made by the commands under test; its URI."""
    page.tapis("files", "mkdir", f"agave://{STORAGE}/home/testuser", "commands")
    local = page.folder / "hello world.txt"
    local.write_text("hello\n", encoding="utf-8")
    page.tapis("files", "upload", URI, str(local))
    page.tapis("files", "mkdir", URI, "a/b")
    yield URI


def listed(page: Page, path: str = HOME) -> list[str]:
    found = page.api.call("GET", f"files/v2/listings/system/{STORAGE}/{path}")
    return [line["name"] for line in found]


def test_list_and_show(page: Page, folder: str) -> None:
    rows = page.tapis_json("files", "list", folder)
    assert {row["name"] for row in rows} - {"."} >= {"a", "hello world.txt"}
    shown = page.tapis_json("files", "show", f"{folder}/hello world.txt")
    assert (shown["name"], shown["length"], shown["type"]) == ("hello world.txt", 6, "file")
    assert shown["path"] == f"{HOME}/hello world.txt"
    assert shown["permissions"] == "READ_WRITE"


def test_copy_move_and_delete(page: Page, folder: str) -> None:
    copied = page.tapis_json("files", "copy", f"{folder}/hello world.txt", f"{HOME}/copy.txt")
    assert copied["path"] == f"{HOME}/copy.txt"
    moved = page.tapis_json("files", "move", f"{folder}/copy.txt", f"{HOME}/a/moved.txt")
    assert (moved["path"], moved["uuid"]) == (f"{HOME}/a/moved.txt", copied["uuid"])
    assert listed(page, f"{HOME}/a") == [".", "b", "moved.txt"]
    answer = page.api.request("GET", f"files/v2/media/system/{STORAGE}/{HOME}/a/moved.txt")
    assert answer.text == "hello\n"
    page.tapis("files", "delete", f"{folder}/a/moved.txt")
    assert listed(page, f"{HOME}/a") == [".", "b"]


def test_upload_and_download_of_a_tree(page: Page, folder: str) -> None:
    tree = page.folder / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "naïve 1.txt").write_text("1", encoding="utf-8")
    (tree / "deep" / "2.bin").write_bytes(bytes(range(256)))
    page.tapis("files", "upload", folder, str(tree))
    assert listed(page, f"{HOME}/tree") == [".", "deep", "naïve 1.txt"]
    back = page.folder / "back"
    back.mkdir()
    page.tapis("files", "download", f"{folder}/tree", "-W", str(back))
    found = {path.name: path.read_bytes() for path in back.rglob("*") if path.is_file()}
    assert found == {"naïve 1.txt": b"1", "2.bin": bytes(range(256))}


def test_history(page: Page, folder: str) -> None:
    rows = page.tapis_json("files", "history", f"{folder}/hello world.txt")
    assert [row["status"] for row in rows][:3] == ["STAGING_QUEUED", "UPLOAD", "STAGING_COMPLETED"]
    assert rows[1]["description"] == "File upload has completed"


def test_permissions(page: Page, folder: str) -> None:
    uri = f"{folder}/hello world.txt"

    def rights() -> dict[str, str]:
        return {row["username"]: row["read"] for row in page.tapis_json("files", "pems", "list", uri)}

    page.tapis("files", "pems", "grant", uri, "student01", "READ")
    assert rights()["student01"] == "True"
    page.tapis("files", "pems", "revoke", uri, "student01")
    assert "student01" not in rights()
    page.tapis("files", "pems", "grant", uri, "student02", "ALL")
    page.tapis("files", "pems", "drop", uri)
    assert "student02" not in rights()


def test_pems_show_asks_for_another_path(page: Page, folder: str) -> None:
    """The client drops the slash that makes a path absolute; a path below the home directory works."""
    page.tapis("files", "mkdir", f"agave://{STORAGE}/", "shown")
    done = page.clients.tapis(
        ("files", "pems", "show", f"agave://{STORAGE}/home/testuser/commands", "testuser"), page.environment
    )
    relative = page.api.request("GET", f"files/v2/pems/system/{STORAGE}{HOME}?username.eq=testuser")
    assert relative.status_code == 404
    assert done.returncode != 0 or "testuser" not in done.stdout


# agavepy


def test_agavepy_reads(page: Page, folder: str) -> None:
    code = f"""
where = dict(systemId={STORAGE!r}, filePath={HOME!r})
first = ag.files.list(limit=1, **where)
one = dict(systemId={STORAGE!r}, filePath={HOME + "/hello world.txt"!r})
answer = {{
    "names": [line.name for line in ag.files.list(**where)],
    "paged": [line.name for line in ag.files.list(limit=1, offset=2, **where)],
    "first": first[0].name,
    "content": ag.files.download(**one).text,
    "history": [line.status for line in ag.files.getHistory(**one)],
    "pems": [line.username for line in ag.files.listPermissions(**one)],
}}
"""
    found = page.agavepy(code)
    assert found["names"][0] == "."
    assert found["first"] == "."
    assert found["paged"] == found["names"][2:3]
    assert found["content"] == "hello\n"
    assert "STAGING_COMPLETED" in found["history"]
    assert "testuser" in found["pems"]


def test_agavepy_changes(page: Page, folder: str) -> None:
    code = f"""
here = dict(systemId={STORAGE!r}, filePath={HOME!r})
made = ag.files.manage(body={{"action": "mkdir", "path": "made"}}, **here)
one = dict(systemId={STORAGE!r}, filePath={HOME + "/made"!r})
renamed = ag.files.manage(body={{"action": "rename", "path": "renamed"}}, **one)
two = dict(systemId={STORAGE!r}, filePath={HOME + "/renamed"!r})
granted = ag.files.updatePermissions(body={{"username": "student01", "permission": "READ", "recursive": True}}, **two)
ag.files.deletePermissions(**two)
left = [line.username for line in ag.files.listPermissions(**two)]
gone = ag.files.delete(**two)
same = renamed["uuid"] == made["uuid"]
answer = [made["path"], renamed["path"], same, granted[0]["permission"]["read"], "student01" in left, gone]
"""
    assert page.agavepy(code) == [f"{HOME}/made", f"{HOME}/renamed", True, True, False, None]
    assert "renamed" not in listed(page)


def test_agavepy_waits_for_an_upload(page: Page, folder: str) -> None:
    local = page.folder / "by-agavepy.txt"
    local.write_text("from agavepy\n", encoding="utf-8")
    code = f"""
from agavepy.asynchronous import AgaveAsyncResponse
made = ag.files.importData(systemId={STORAGE!r}, filePath={HOME!r}, fileToUpload=open({str(local)!r}, "rb"))
answer = [made.status, made.path, AgaveAsyncResponse(ag, made).result(60)]
"""
    assert page.agavepy(code) == ["STAGING_QUEUED", f"{HOME}/by-agavepy.txt", "FINISHED"]


def test_agavepy_waits_for_an_import(page: Page, folder: str) -> None:
    code = f"""
from agavepy.asynchronous import AgaveAsyncResponse
url = "agave://{STORAGE}/{HOME}/hello world.txt"
made = ag.files.importData(systemId={STORAGE!r}, filePath={HOME!r}, urlToIngest=url, fileName="imported.txt")
done = AgaveAsyncResponse(ag, made).result(60)
lost = ag.files.importData(systemId={STORAGE!r}, filePath={HOME!r}, urlToIngest=url + "-not", fileName="lost.txt")
answer = [made.status, made.path, made.source == url, done, AgaveAsyncResponse(ag, lost).result(60)]
"""
    status, path, same, done, lost = page.agavepy(code)
    assert (status, path, same) == ("STAGING_QUEUED", f"{HOME}/imported.txt", True)
    assert (done, lost) == ("FINISHED", "FAILED")
    answer = page.api.request("GET", f"files/v2/media/system/{STORAGE}/{HOME}/imported.txt")
    assert answer.text == "hello\n"


def test_agavepy_on_the_default_system(page: Page) -> None:
    local = page.folder / "default.txt"
    local.write_text("on the default system\n", encoding="utf-8")
    code = f"""
made = ag.files.importToDefaultSystem(sourcefilePath="testuser", fileToUpload=open({str(local)!r}, "rb"))
text = ag.files.downloadFromDefaultSystem(sourcefilePath="testuser/default.txt").text
names = [line.name for line in ag.files.listOnDefaultSystem(filePath="testuser")]
moved = ag.files.manageOnDefaultSystem(
    sourcefilePath="testuser/default.txt", body={{"action": "rename", "path": "other.txt"}}
)
ag.files.deleteFromDefaultSystem(sourcefilePath="testuser/other.txt")
answer = [made.systemId, text, "default.txt" in names, moved["name"]]
"""
    system, text, there, name = page.agavepy(code)
    default: Any = page.api.call("GET", "files/v2/listings/testuser")[0]["system"]
    assert (system, text, there, name) == (default, "on the default system\n", True, "other.txt")
    wait_until(lambda: "other.txt" not in str(page.api.call("GET", "files/v2/listings/testuser")))
