"""The cluster's lines in a host map file that people write in as well."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from emulator.cluster.registration import CannotRegister, HostMapFile

TARGET = {
    "ssh": "127.0.0.1:2222",
    "user": "tapis",
    "key_file": "/a b/ü: #'\"key",
    "host_key": "ssh-ed25519 AAAA",
}
OTHERS = {
    "absent": None,
    "hosts alone": "hosts:\n",
    "an empty mapping": "hosts: {}\n",
    "no line end": "hosts:\n  a.org: local",
    "comments": "# top\nhosts: # here\n\n  # about a\n  a.org: sandbox # as it was\n# end\n",
    "wide indentation": "hosts:\n      '*.org':\n        ssh: me@there.org\n        users: {u: {user: v}}\n",
    "a flow": "hosts: {a.org: ssh://b.org, 'c.org': local}\n",
    "carriage returns": "hosts:\r\n  a.org: local\r\n",
    "a document mark": "---\nhosts:\n  a.org: local\n",
    "another cluster": (
        "hosts:\n  # begin: tapis-emulator hpc --name other\n  b.org: local\n"
        "  # end: tapis-emulator hpc --name other\n"
    ),
}
# what has no line of its own to add to is written anew
REWRITTEN = {"an empty mapping", "a flow"}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _file(tmp_path: Path, text: str | None) -> Path:
    path = tmp_path / "data" / "hosts.yaml"
    path.parent.mkdir()
    if text is not None:
        path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("form", OTHERS)
def test_lines_come_and_go_and_the_others_stay(tmp_path: Path, form: str) -> None:
    path = _file(tmp_path, OTHERS[form])
    before = (yaml.safe_load(OTHERS[form] or "") or {}).get("hosts") or {}
    hosts = HostMapFile(path)
    hosts.register("box", ["X.example.org", "*.cluster"], TARGET)
    once = path.read_bytes()
    assert yaml.safe_load(once)["hosts"] == before | {"X.example.org": TARGET, "*.cluster": TARGET}
    assert hosts.registered("box") == {"X.example.org": TARGET, "*.cluster": TARGET}
    hosts.register("box", ["X.example.org", "*.cluster"], TARGET)
    assert path.read_bytes() == once, "again is no change"
    hosts.register("box", ["y.org"], {"ssh": "127.0.0.1:1"})
    assert yaml.safe_load(path.read_bytes())["hosts"] == before | {"y.org": {"ssh": "127.0.0.1:1"}}
    assert hosts.unregister("box") == ["y.org"]
    assert hosts.unregister("box") == []
    if not before:
        assert not path.exists() or yaml.safe_load(path.read_bytes()) == {"hosts": {}}
    elif form in REWRITTEN:
        assert yaml.safe_load(path.read_bytes())["hosts"] == before
    else:
        assert path.read_text().rstrip() == (OTHERS[form] or "").replace("\r\n", "\n").rstrip()


def test_comments_stay_where_nothing_else_does(tmp_path: Path) -> None:
    path = _file(tmp_path, "# note this\nhosts:\n  # and this\n")
    hosts = HostMapFile(path)
    hosts.register("box", ["a.org"], TARGET)
    hosts.unregister("box")
    assert "# note this" in path.read_text() and "# and this" in path.read_text()
    assert yaml.safe_load(path.read_text()) == {"hosts": {}}


def test_a_host_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    path = _file(tmp_path, "hosts:\n  A.org: ssh://me@real.org\n")
    hosts = HostMapFile(path)
    with pytest.raises(CannotRegister, match=r"a\.ORG .*ssh://me@real\.org"):
        hosts.register("box", ["b.org", "a.ORG"], TARGET)
    assert path.read_text() == "hosts:\n  A.org: ssh://me@real.org\n"


def test_two_clusters_have_their_own_lines(tmp_path: Path) -> None:
    hosts = HostMapFile(_file(tmp_path, None))
    hosts.register("one", ["a.org"], TARGET)
    with pytest.raises(CannotRegister, match=r"a\.org"):
        hosts.register("two", ["a.org"], TARGET)
    hosts.register("two", ["b.org"], TARGET)
    assert hosts.unregister("one") == ["a.org"]
    assert list(hosts.registered("two")) == ["b.org"]


@pytest.mark.parametrize(
    "text",
    [
        "hosts: [",
        "- a\n",
        "hosts: 3\n",
        "hosts:\n  a.org: local\nelse: 1\n",
        "hosts:\n  # begin: tapis-emulator hpc --name box\n  a.org: local\n",
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_is_not_understood_is_named_and_left_alone(tmp_path: Path, text: str | bytes) -> None:
    path = _file(tmp_path, None)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = path.read_bytes()
    for act in (lambda f: f.register("box", ["x.org"], TARGET), lambda f: f.unregister("box")):
        with pytest.raises(CannotRegister, match=r"hosts\.yaml"):
            act(HostMapFile(path))
    assert path.read_bytes() == before


def test_a_link_stays_a_link_and_rights_stay(tmp_path: Path) -> None:
    path = _file(tmp_path, None)
    real = tmp_path / "real.yaml"
    real.write_text("hosts:\n  a.org: local\n")
    real.chmod(0o600)
    path.symlink_to(real)
    HostMapFile(path).register("box", ["b.org"], TARGET)
    assert path.is_symlink() and real.stat().st_mode & 0o777 == 0o600
    assert list(yaml.safe_load(real.read_text())["hosts"]) == ["b.org", "a.org"]
