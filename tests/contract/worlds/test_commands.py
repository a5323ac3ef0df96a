"""``tapis-emulator world``: what its lines print and do."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from emulator.cli import main
from tests.contract.worlds.full_world import control
from tests.served import Api


def world(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["world", *words, "--url", url])


def done(url: str, *words: str) -> str:
    result = world(url, *words)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_world_from_its_making_to_its_end(url: str, tmp_path: Path) -> None:
    at = done(url, "create", "lesson", "--clock", "frozen", "--chance-seed", "7", "--simulated").strip()
    user = Api(at)
    user.call("POST", "files/v2/media/system/tacc.corral/testuser", files={"fileToUpload": ("x", b"x")})
    tar, folder = tmp_path / "lesson.tar.gz", tmp_path / "lesson"
    done(url, "snapshot", "lesson", str(tar))
    done(url, "snapshot", "lesson", str(folder))
    assert (folder / "files" / "corral.tacc.example.org" / "home" / "testuser" / "x").read_bytes() == b"x"
    done(url, "reset", "lesson")
    assert user.request("GET", "files/v2/media/system/tacc.corral/testuser/x").status_code == 404
    done(url, "restore", "lesson", str(tar))
    assert user.request("GET", "files/v2/media/system/tacc.corral/testuser/x").content == b"x"
    for seed in (tar, folder):
        copy = done(url, "create", "copy", "--seed", str(seed)).strip()
        assert Api(copy).request("GET", "files/v2/media/system/tacc.corral/testuser/x").content == b"x"
        done(url, "delete", "copy")
    assert done(url, "create", "quiet", "--no-listener") == "quiet\n"
    listed = done(url, "list").splitlines()
    assert [line.split()[0] for line in listed] == ["default", "lesson", "quiet"]
    assert listed[1].split()[1] == at and listed[1].endswith("42 users, 2 systems, 1 apps, 0 jobs")
    for name in ("lesson", "quiet"):
        done(url, "delete", name)
    assert [each["name"] for each in control(url, "GET")] == ["default"]


def test_refusals_are_told_in_one_line(url: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "here").touch()
    (tmp_path / "bad.tar").write_bytes(b"no tar")
    for words, told in (
        (("reset", "nowhere"), "No world found with name nowhere"),
        (("delete", "default"), "can be reset, not deleted"),
        (("create", "Upper"), "name must match"),
        (("create", "x", "--seed", "nowhere"), "neither a built-in seed"),
        (("create", "x", "--seed", str(tmp_path / "bad.tar")), "no tar that can be read"),
        (("create", "x", "--clock", "sideways"), "clock.mode"),
        (("snapshot", "default", str(tmp_path / "full")), "is there already"),
        (("snapshot", "nowhere", str(tmp_path / "new.tar.gz")), "No world found"),
        (("restore", "nowhere", "tacc.prod"), "No world found"),
    ):
        result = world(url, *words)
        assert result.exit_code == 1 and told in result.output, result.output
    assert not (tmp_path / "new.tar.gz").exists()
    assert world("http://127.0.0.1:9", "list").output.startswith("Error: no emulator answers at")
