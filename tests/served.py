"""A served emulator inside the test's process, and a plain HTTP client for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from emulator.app import Emulator
from emulator.data_directory import DataDirectory
from emulator.settings import Settings
from tests.real.waiting import wait_until

TERMINAL = ("FINISHED", "FAILED", "STOPPED")
COURSE = Path(__file__).parent.parent / "fixtures" / "course"


class Api:
    """Requests against one emulator, as one user; answers are parsed and their envelope is checked."""

    def __init__(self, url: str, user: str | None = None, password: str = "emulator") -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        if user is not None:
            self.session.headers["Authorization"] = f"Bearer {self.token(user, password)}"

    def token(self, user: str, password: str = "emulator") -> str:
        """An access token of the user, by way of a client of its own."""
        name = {"clientName": "tests"}
        self.session.delete(f"{self.url}/clients/v2/tests", auth=(user, password))
        made = self.session.post(f"{self.url}/clients/v2", json=name, auth=(user, password)).json()["result"]
        form = {"grant_type": "password", "username": user, "password": password}
        login = (made["consumerKey"], made["consumerSecret"])
        return str(self.session.post(f"{self.url}/token", data=form, auth=login).json()["access_token"])

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}/{path.lstrip('/')}", timeout=60, **options)

    def call(self, method: str, path: str, expect: int | None = None, **options: Any) -> Any:
        """The ``result`` of a successful call; AssertionError with the answer for any other."""
        response = self.request(method, path, **options)
        document = response.json()
        wanted = {expect} if expect else {200, 201, 202}
        assert response.status_code in wanted, f"{method} {path}: {response.status_code} {response.text}"
        assert document["status"] == "success", document
        assert document["version"] > "2.2.22-r7deb380"
        return document.get("result")

    def refused(self, method: str, path: str, status: int, **options: Any) -> str:
        """The message of a call that must be answered with an error of this status."""
        response = self.request(method, path, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        assert response.headers["Content-Type"].startswith("application/json")
        document = response.json()
        assert document["status"] == "error" and "result" not in document, document
        return str(document["message"])

    def wait_for_job(self, job_id: str, states: tuple[str, ...] = TERMINAL, timeout: float = 60) -> str:
        """The status of the job once it is one of ``states``."""
        seen = [""]

        def reached() -> bool:
            seen[0] = self.call("GET", f"jobs/v2/{job_id}/status")["status"]
            return seen[0] in states

        wait_until(reached, timeout, f"job {job_id} in {states}, last seen {seen}")
        return seen[0]


@contextmanager
def served(directory: Path, **settings: Any) -> Iterator[Emulator]:
    """An emulator on a free port with its data in ``directory``."""
    with Emulator(
        Settings(port=0, data_dir=str(directory), **settings), DataDirectory(directory)
    ) as emulator:
        yield emulator


def course_document(name: str) -> dict[str, Any]:
    """A JSON file of the course."""
    document: dict[str, Any] = json.loads((COURSE / name).read_text(encoding="utf-8"))
    return document


def register_course(api: Api) -> None:
    """What the page does before the first job, by plain HTTP: systems, files, app."""
    api.call("POST", "systems/v2", json=course_document("storage-system.json"))
    api.call("POST", "systems/v2", json=course_document("execution-system.json"))
    system = course_document("storage-system.json")["id"]
    deployment = course_document("app.json")["deploymentPath"]
    api.call("PUT", f"files/v2/media/system/{system}//", json={"action": "mkdir", "path": deployment})
    bundle = COURSE / "app-bundle"
    for path in sorted(bundle.rglob("*")):
        if "__pycache__" in path.parts:
            continue
        inside = path.relative_to(bundle)
        target = f"{deployment}/{inside.parent}".removesuffix("/.")
        if path.is_dir():
            body = {"action": "mkdir", "path": path.name}
            api.call("PUT", f"files/v2/media/system/{system}/{target}", json=body)
        else:
            with path.open("rb") as stream:
                files = {"fileToUpload": (path.name, stream)}
                api.call("POST", f"files/v2/media/system/{system}/{target}", files=files)
    api.call("POST", "apps/v2", json=course_document("app.json"))
