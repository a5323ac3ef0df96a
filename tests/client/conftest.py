"""The course page, set up through the real tapis-cli once per worker that runs its tests."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.app import Emulator
from tests.real.clients import Clients
from tests.served import COURSE, Api, course_document, served

STORAGE = "testuser.tacc.corral.storage"
APP = "testuser.app.imageclassify-1.0.0"
BUNDLE = "imageclassify-1.0.0"


@dataclass
class Page:
    """A served emulator, a signed-in tapis-cli, and a folder with the course's files."""

    emulator: Emulator
    api: Api
    clients: Clients
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return self.clients.environment(self.emulator.url, self.folder)

    def tapis(self, *arguments: str) -> str:
        """What the command prints; AssertionError with all it said when it fails."""
        done = self.clients.tapis(arguments, self.environment)
        assert done.returncode == 0, f"tapis {arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def tapis_json(self, *arguments: str) -> Any:
        """The same as data: ``-f json``."""
        return json.loads(self.tapis(*arguments, "-f", "json"))

    def agavepy(self, code: str) -> Any:
        """Run code with ``ag`` a signed-in agavepy client; the answer is what it assigns to ``answer``."""
        program = (
            "import json, sys\nfrom agavepy.agave import Agave\n"
            f"ag = Agave(api_server={self.emulator.url!r}, username='testuser', password='emulator', "
            "verify=False, tenant_id='tacc.prod')\n"
            "ag.clients.create(body={'clientName': 'agavepy-tests'})\n"
            f"{code}\n"
            "sys.stdout.write('\\n' + json.dumps(answer, default=str))\n"
        )
        home = self.folder / "agavepy-home"
        home.mkdir(exist_ok=True)
        # each run makes its client anew
        self.api.request("DELETE", "clients/v2/agavepy-tests")
        done = subprocess.run(
            [str(self.clients.python), "-W", "ignore", "-c", program],
            env=self.clients.environment(self.emulator.url, home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def submit(self, **changes: Any) -> dict[str, Any]:
        """The page's job, submitted by tapis-cli and waited for."""
        path = self.folder / "job.json"
        path.write_text(json.dumps(course_document("job.json") | changes), encoding="utf-8")
        answer: dict[str, Any] = self.tapis_json("jobs", "submit", "-F", str(path), "-v")
        return answer


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, clients: Clients) -> Iterator[Page]:
    """Signed in, systems registered, app bundle uploaded, app registered: all by tapis-cli."""
    folder = tmp_path_factory.mktemp("page")
    with served(tmp_path_factory.mktemp("data")) as emulator:
        page = Page(emulator, Api(emulator.url), clients, folder)
        for name in ("storage-system.json", "execution-system.json", "app.json"):
            shutil.copy(COURSE / name, folder)
        shutil.copytree(COURSE / "app-bundle", folder / BUNDLE, ignore=shutil.ignore_patterns("__pycache__"))
        login = ("--tenant-id", "tacc.prod", "--username", "testuser", "--password", "emulator")
        page.tapis("auth", "init", *login, "--no-dockerhub")
        page.tapis("systems", "create", "-F", "storage-system.json")
        page.tapis("systems", "create", "-F", "execution-system.json")
        page.tapis("files", "mkdir", f"agave://{STORAGE}/home/testuser", "applications")
        page.tapis("files", "upload", f"agave://{STORAGE}/home/testuser/applications", BUNDLE)
        page.tapis("apps", "create", "-F", "app.json")
        yield page


@pytest.fixture(scope="session")
def finished(page: Page) -> dict[str, Any]:
    """A job of the page that has archived its outputs: its record as the API gives it."""
    job_id = page.submit()["id"]
    assert page.api.wait_for_job(job_id) == "FINISHED", page.api.call("GET", f"jobs/v2/{job_id}")
    record: dict[str, Any] = page.api.call("GET", f"jobs/v2/{job_id}")
    return record
