"""Unmodified clients in a world of the plugin's: tapis-cli by ``.env()``, agavepy by ``.agave()``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from emulator.testing import ClientMissing, OwnServer
from tests.real.clients import Clients

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}


def tapis(clients: Clients, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(clients.command), *arguments],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_tapis_cli_is_signed_in(
    clients: Clients, shared_server: OwnServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In each world, as each user; whatever the surrounding environment says."""
    for name in ("TAPIS_BASE_URL", "TAPIS_TOKEN", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with shared_server.world("tapis-cli", simulated=True) as world:
        job = world.submit(JOB)
        world.wait(job)
        shown = json.loads(tapis(clients, world.env(), "jobs", "list", "-f", "json"))
        assert [each["id"] for each in shown] == [job.id]
        student = world.user("student01")
        assert "student01" in tapis(clients, student.env(), "profiles", "show", "self", "-f", "json")
        assert json.loads(tapis(clients, student.env(), "jobs", "list", "-f", "json") or "[]") == []
        agents = {request.agent.split("/")[0] for request in world.requests if "/token" in request.path}
        assert "python-requests" in agents
        assert Path(world.env()["HOME"]).is_dir() and Path(student.env()["HOME"]) != Path(world.env()["HOME"])
        assert world.env(EXTRA="1")["EXTRA"] == "1"


def test_agavepy_where_it_is_installed(
    clients: Clients, beside: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job submitted and waited for; the user's own session stays as it was."""
    packages = next((clients.root / "lib").glob("python*/site-packages"))
    beside.makeconftest(f"import site; site.addsitedir({str(packages)!r})")
    home = beside.path / "home"
    (home / ".agave").mkdir(parents=True)
    (home / ".agave" / "current").write_text("{}", encoding="utf-8")
    monkeypatch.delenv("TAPIS_CACHE_DIR", raising=False)
    beside.makepyfile(f"""
        import os
        from pathlib import Path
        import pytest

        HOME = Path({str(home)!r})

        @pytest.mark.tapis(simulated=True, scenario={{"name": "x", "rules": [
            {{"at": "token.check", "do": "expire", "when": {{"user": "student01"}}, "times": 1}}]}})
        def test_it(tapis_world, monkeypatch):
            monkeypatch.setenv("HOME", str(HOME))
            agave = tapis_world.agave()
            job = agave.jobs.submit(body={JOB!r})
            tapis_world.wait(job.id, "FINISHED")
            assert agave.jobs.get(jobId=job.id).status == "FINISHED"
            assert tapis_world.user("student01").agave().profiles.get()["username"] == "student01"
            token = agave.token.token_info["access_token"]
            agave.token.refresh()
            assert agave.token.token_info["access_token"] != token
            assert (HOME / ".agave" / "current").read_text() == "{{}}"
            assert [path.name for path in (HOME / ".agave").iterdir()] == ["current"]
    """)
    beside.runpytest_subprocess("-W", "ignore").assert_outcomes(passed=1)


def test_agavepy_where_it_is_not(shared_server: OwnServer) -> None:
    with (
        shared_server.world("no-agavepy") as world,
        pytest.raises(ClientMissing, match="pip install agavepy"),
    ):
        world.agave()
