"""A world with one armed scenario, and the people who work in it: the students' clients and the teacher's view."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.testing import World
from emulator.testing.scenarios import Armed
from tests.real.clients import Clients
from tests.scenario.agavepy_desk import Agavepy, Outcome

APP = "classifier-1.0.0"
PICTURE = "agave://tacc.corral/testuser/pictures/mine.png"
TERMINAL = ("FINISHED", "FAILED", "STOPPED")
JOB = {
    "name": "lesson",
    "appId": APP,
    "archive": True,
    "archiveSystem": "tacc.corral",
    "parameters": {"imagefile": "pictures/night-sky.png"},
}


@dataclass
class Lesson:
    """``agave`` calls the service by the world's own port, where no token is sent; see :meth:`with_tokens`."""

    world: World
    agave: Agavepy
    clients: Clients
    name: str

    def arm(self) -> Armed:
        """Arm the scenario of the library that the lesson is named after."""
        return self.world.scenario(self.name)

    def sign_in(self) -> None:
        """As tapis-cli's user, who otherwise does so with the first command."""
        self.world.session  # noqa: B018

    def submit(self, **changes: Any) -> str:
        """Submit the course's job through agavepy; the id."""
        answer = self.agave.run("ag.jobs.submit(body=body)", body=JOB | changes).result
        return str(answer["id"])

    def resubmit(self, job: str) -> str:
        """The same once more; the id of the new one."""
        code = "ag.jobs.manage(jobId=job, body={'action': 'resubmit'})"
        return str(self.agave.run(code, job=job).result["id"])

    def submit_with_input(self, **changes: Any) -> str:
        """The same for a picture of one's own."""
        return self.submit(inputs={"picture": PICTURE}, parameters={"imagefile": "mine.png"}, **changes)

    def run(self, job: str, *states: str) -> str:
        """Let the world's time pass until the job has ended, or has been in a state; where it is then."""
        self.world.clock.run_until(job, states or TERMINAL)
        return self.status(job)

    def status(self, job: str) -> str:
        """As agavepy is told it."""
        return str(self.agave.run("ag.jobs.getStatus(jobId=job)", job=job).result["status"])

    def record(self, job: str) -> dict[str, Any]:
        """The job as agavepy shows it."""
        found: dict[str, Any] = self.agave.run("ag.jobs.get(jobId=job)", job=job).result
        return found

    def message(self, job: str) -> str:
        """Why it stands where it stands."""
        return str(self.record(job)["lastStatusMessage"])

    def history(self, job: str) -> list[dict[str, Any]]:
        """As agavepy shows it."""
        found: list[dict[str, Any]] = self.agave.run("ag.jobs.getHistory(jobId=job)", job=job).result
        return found

    def states(self, job: str) -> list[str]:
        """Those it has been in, in order, without what only tells of progress."""
        found: list[str] = []
        for entry in self.history(job):
            if not found or found[-1] != entry["status"]:
                found.append(entry["status"])
        return found

    def entered(self, job: str, state: str) -> list[datetime]:
        """When it came into the state, each time, as agavepy shows it."""
        found, last = [], ""
        for entry in self.history(job):
            if entry["status"] == state != last:
                found.append(datetime.fromisoformat(entry["created"]))
            last = entry["status"]
        return found

    def attempts(self, job: str) -> list[str]:
        """What the history says of attempts that failed."""
        return [
            entry["description"] for entry in self.history(job) if entry["description"].startswith("Attempt ")
        ]

    def outputs(self, job: str) -> list[str]:
        """Names in the top of the job's output directory, by agavepy."""
        code = "ag.jobs.listOutputs(jobId=job, filePath='/')"
        return sorted(entry["name"] for entry in self.agave.run(code, job=job).result)

    def output(self, job: str, ending: str) -> bytes:
        """The output file whose name ends so."""
        (name,) = (name for name in self.outputs(job) if name.endswith(ending))
        return self.world.job(job).output(name)

    def get(self, expression: str, **names: Any) -> Outcome:
        """Whatever else agavepy can: ``get("ag.jobs.list()")``."""
        return self.agave.run(expression, **names)

    def struck(self) -> list[tuple[str, str]]:
        """Point and action of each entry of the journal."""
        return [(entry.point, entry.action) for entry in self.world.journal]

    def tapis(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command of tapis-cli, signed in, whatever it comes to."""
        environment = self.world.env()
        own = self.clients.environment(self.world.url, self.world.session.home)
        return self.clients.tapis(arguments, environment | {"PATH": own["PATH"]})

    def tapis_json(self, *arguments: str) -> Any:
        """The same for one that works, as data."""
        done = self.tapis(*arguments, "-f", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)
