"""Unmodified clients in worlds of their own: each has a port, and nothing else to tell them apart."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.contract.worlds.full_world import JOB, control
from tests.real.clients import Clients

CODE = """
import json, sys, time
from agavepy.agave import Agave
ag = Agave(api_server=sys.argv[1], username='testuser', password='emulator', verify=False, tenant_id='tacc.prod')
ag.clients.create(body={'clientName': 'in-a-world'})
before = len(ag.jobs.list())
job = ag.jobs.submit(body=json.loads(sys.argv[2]))
while ag.jobs.getStatus(jobId=job['id'])['status'] not in ('FINISHED', 'FAILED'):
    time.sleep(0.05)
listed = [each['id'] for each in ag.jobs.list()]
print(json.dumps([before, job['id'], listed, ag.jobs.getHistory(jobId=job['id'])[-1]['status']]))
"""


@pytest.mark.clients
def test_agavepy_in_two_worlds_of_one_seed_and_again_after_a_reset(
    url: str, clients: Clients, tmp_path: Path
) -> None:
    made = [
        control(
            url,
            "POST",
            expect=201,
            json={"name": name, "listener": True, "chance_seed": 7, "simulated": True},
        )
        for name in ("left", "right")
    ]
    seen = [_visit(clients, world["url"], tmp_path / world["name"]) for world in made]
    for before, job, listed, status in seen:
        assert (before, listed, status) == (0, [job], "FINISHED")
    assert seen[0][1] != seen[1][1]
    control(url, "POST", "/left/reset")
    assert _visit(clients, made[0]["url"], tmp_path / "left") == seen[0]
    for world in made:
        control(url, "DELETE", f"/{world['name']}")


def _visit(clients: Clients, url: str, home: Path) -> tuple[int, str, list[str], str]:
    home.mkdir(exist_ok=True)
    for path in home.rglob("*"):  # what it remembers of a world that is no more
        if path.is_file():
            path.unlink()
    done = subprocess.run(
        [str(clients.python), "-W", "ignore", "-c", CODE, url, json.dumps(JOB)],
        env=clients.environment(url, home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    before, job, listed, status = json.loads(done.stdout.splitlines()[-1])
    return before, job, listed, status
