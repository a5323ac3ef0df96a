"""What ``tapis-emulator scenario`` says without a server; with one, see tests/live/test_scenarios.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.cli.scenario import command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def test_check_tells_all_mistakes_of_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text("name: n\nrules: [{at: job.staged, do: hold}]", encoding="utf-8")
    Path("bad.yaml").write_text("name: n\nrules:\n- {at: job.stagd, do: hld}\n", encoding="utf-8")
    found = run("check", "good.yaml", "bad.yaml", "storage-flaps", "storage-flop", ".")
    assert found.exit_code == 1
    for words in (
        "good.yaml: n, 1 rule, no mistakes",
        "bad.yaml:3: unknown point `job.stagd`; did you mean `job.staged`?",
        "bad.yaml:3: unknown action `hld`; did you mean `hold`?",
        "storage-flaps: storage-flaps, ",
        "unknown scenario `storage-flop`; did you mean `storage-flaps`?",
        ".: Is a directory",
    ):
        assert words in found.output
    assert run("check", "good.yaml").exit_code == 0


def test_a_dry_run_needs_no_server(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nrules: [{at: job.staged, do: {delay: 48h}, times: once}]", encoding="utf-8")
    for what, words in ((str(file), "does:  delay (for: 48 h)"), ("storage-flaps", "1. ")):
        found = run("arm", "--dry-run", what)
        assert found.exit_code == 0 and words in found.output, found.output


def test_the_catalog() -> None:
    assert "transfer.file\n    " in run("points").output
    assert "stop-emulator\n    at *" in run("actions").output
    here = run("actions", "host.connect").output
    assert "refuse-login" in here and "read-error" not in here
    assert "did you mean `host.connect`?" in run("actions", "host.conect").output
    assert "storage-flaps\n    " in run("list", "--library").output


@pytest.mark.parametrize("verb", ["disarm", "release"])
def test_one_or_all_must_be_said(verb: str) -> None:
    for arguments in ((), ("x", "--all")):
        found = run(verb, *arguments)
        assert found.exit_code == 2 and "or --all" in found.output
