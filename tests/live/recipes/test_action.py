"""``.github/actions/start``: its shell steps, run as a runner runs them; the files, by their published schemas."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.serve_process import clean_environment
from tests.real.waiting import wait_until
from tests.served import Api, course_document

CHECKOUT = Path(__file__).resolve().parents[3]
ACTION = CHECKOUT / ".github" / "actions" / "start" / "action.yml"
WORKFLOW = CHECKOUT / "docs" / "ci" / "github-action.yml"
FILES = {
    "vendor.github-actions": [ACTION],
    "vendor.github-workflows": sorted((CHECKOUT / "docs" / "ci").glob("github-*.yml")),
    "vendor.compose-spec": [CHECKOUT / "docs" / "ci" / "compose.yaml"],
}


@dataclass
class Runner:
    """What a runner gives the steps of a composite action: expressions, environment, files for what they answer."""

    folder: Path
    inputs: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    said: str = ""

    def run(self, step: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        assert step["shell"] == "bash" and "${{" not in step["run"], (
            "inputs come by the environment, never as code"
        )
        script, output, variables = (self.folder / name for name in ("step.sh", "output", "env"))
        script.write_text(step["run"], encoding="utf-8")
        for path in (output, variables):
            path.write_text("", encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.folder,
            env=clean_environment(self.folder)
            | self.environment
            | {name: self.value(text) for name, text in step["env"].items()}
            | {"GITHUB_OUTPUT": str(output), "GITHUB_ENV": str(variables)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.said = done.stdout
        self.environment |= _pairs(variables)
        self.outputs[step.get("id", "")] = _pairs(output)
        return done

    def value(self, text: str) -> str:
        """With its expressions replaced, as far as the action uses them."""

        def of(match: re.Match[str]) -> str:
            kind, _, name = match[1].strip().partition(".")
            if kind == "inputs":
                return self.inputs[name]
            if kind == "steps":
                step, _, output = name.partition(".outputs.")
                return self.outputs[step][output]
            return {"runner.temp": str(self.folder), "github.action_path": str(ACTION.parent)}[
                f"{kind}.{name}"
            ]

        return re.sub(r"\$\{\{(.*?)\}\}", of, text)


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def runner(action: dict[str, Any], tmp_path: Path) -> Iterator[Runner]:
    inputs = {name: str(each["default"]) for name, each in action["inputs"].items()} | {"port": "0"}
    runner = Runner(tmp_path, inputs)
    yield runner
    _stop(tmp_path)


def _installed(runner: Runner) -> None:
    """The command where the first step puts it, from this environment instead of an index."""
    command = runner.folder / "tapis-emulator" / "venv" / "bin" / "tapis-emulator"
    command.parent.mkdir(parents=True)
    command.symlink_to(Path(sys.executable).with_name("tapis-emulator"))


def test_the_start_step_answers_with_a_server_that_serves(action: dict[str, Any], runner: Runner) -> None:
    _installed(runner)
    assert runner.run(action["runs"]["steps"][1]).returncode == 0, runner.said
    url = runner.value(action["outputs"]["url"]["value"])
    assert runner.environment == {"TAPIS_EMULATOR_URL": url}
    api = Api(url)
    job = api.call("POST", "jobs/v2", json=course_document("job-public.json"))["id"]
    assert api.wait_for_job(job) == "FINISHED"
    log = Path(runner.value(action["outputs"]["log"]["value"]))
    assert "listens on" in log.read_text(encoding="utf-8")


def test_its_options_are_those_of_serve(action: dict[str, Any], runner: Runner) -> None:
    """With the options that the page shows, and on further lines one whose effect can be seen, and a pattern."""
    _installed(runner)
    options = _used()["with"]["options"]
    runner.inputs["options"] = f"{options}\n--auth-default-user student07\n--files-import-allow *\n"
    assert runner.run(action["runs"]["steps"][1]).returncode == 0, runner.said
    assert (
        Api(runner.environment["TAPIS_EMULATOR_URL"]).call("GET", "profiles/v2/me")["username"] == "student07"
    )


def test_a_server_that_does_not_come_up_fails_the_step_with_its_words(
    action: dict[str, Any], runner: Runner
) -> None:
    _installed(runner)
    runner.inputs["options"] = "--page-max many"
    assert runner.run(action["runs"]["steps"][1]).returncode == 1
    assert "::error::tapis-emulator did not come up" in runner.said and "many" in runner.said
    assert not runner.environment


@pytest.mark.campaign
def test_the_install_step_brings_the_actions_own_version(action: dict[str, Any], runner: Runner) -> None:
    """From the package index, dependencies and all."""
    for step in action["runs"]["steps"]:
        assert runner.run(step).returncode == 0, runner.said
    assert Api(runner.environment["TAPIS_EMULATOR_URL"]).call("GET", "tenants")
    packages = runner.folder / "tapis-emulator" / "venv" / "lib"
    assert list(packages.glob("python*/site-packages/emulator/app.py")), sysconfig.get_path("purelib")


@pytest.mark.parametrize("schema", FILES)
def test_the_files_are_what_they_claim_to_be(schema: str) -> None:
    assert FILES[schema]
    checker = str(Path(sys.executable).with_name("check-jsonschema"))
    done = subprocess.run(
        [checker, "--builtin-schema", schema, *map(str, FILES[schema])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_gives_the_action_inputs_that_it_has(action: dict[str, Any]) -> None:
    assert set(_used()["with"]) <= set(action["inputs"])
    text = WORKFLOW.read_text(encoding="utf-8")
    assert set(re.findall(r"steps\.tapis\.outputs\.(\w+)", text)) <= set(action["outputs"])


def _used() -> dict[str, Any]:
    """The step of the page's workflow that uses the action."""
    steps = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["tests"]["steps"]
    found: dict[str, Any]
    (found,) = [step for step in steps if "/.github/actions/start@" in step.get("uses", "")]
    return found


def _pairs(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def _stop(folder: Path) -> None:
    """The server that a step has left running: found by the data directory of this test alone."""
    wanted = str(folder / "tapis-emulator" / "data")
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if wanted in words:
            os.kill(int(place.parent.name), signal.SIGTERM)
            wait_until(partial(_ended, place), 30, "the end of the server")


def _ended(place: Path) -> bool:
    try:
        return not place.read_bytes()
    except OSError:
        return True
