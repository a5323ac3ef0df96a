"""The OpenAPI description: complete, valid, and the same wherever it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import schemathesis
from click.testing import CliRunner

from emulator import __version__
from emulator.api.v2 import coverage
from emulator.api.v2.coverage.operation import State
from emulator.api.v2.openapi import document
from emulator.api.v2.openapi.bodies import BODIES
from emulator.api.v2.schemas.answers import answers
from emulator.cli import main
from tests.served import Api

THERE = [each for each in coverage.operations() if each.state is not State.NOT_IMPLEMENTED]
# their bodies, if any come, are not read
WITHOUT_BODY = {"jobs.cancel", "jobs.hide", "jobs.unhide", "jobs.resubmit", "jobs.trigger"} | {
    "systems.manageWithoutId",
    "files.addToIndex",
    "files.addToIndexOnDefaultSystem",
}


def test_everything_that_is_there_is_described() -> None:
    assert set(answers()) == {each.name for each in THERE}
    with_body = {each.name for each in THERE if {"POST", "PUT"} & set(each.verbs.split())}
    assert set(BODIES) == with_body - WITHOUT_BODY
    described = document("tests", "http://localhost")["paths"]
    asked = {(path, verb.lower()) for each in THERE for path in each.paths for verb in each.verbs.split()}
    assert {(path, verb) for path, item in described.items() for verb in item} == asked


def test_the_description_is_valid() -> None:
    schemathesis.openapi.from_dict(document("tests", "http://localhost")).validate()


def test_served_and_printed(api: Api) -> None:
    served = api.request("GET", "_emulator/openapi.json")
    assert served.headers["Content-Type"] == "application/json"
    assert served.json()["servers"] == [{"url": api.url}]
    printed = CliRunner().invoke(main, ["openapi", "--url", api.url])
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.output) == served.json() == document(__version__, api.url)


def test_what_is_not_implemented_is_not_promised(api: Api) -> None:
    text = json.dumps(api.request("GET", "_emulator/openapi.json").json()["paths"])
    missing = [each for each in coverage.operations() if each not in THERE]
    assert missing and not any(f'"{each.name}"' in text for each in missing)


def test_a_start_loads_none_of_it() -> None:
    wanted = (
        "[m for m in sys.modules if m.startswith(('apispec', 'emulator.api.v2.openapi')) or '.answers' in m]"
    )
    program = f"import sys, emulator.app, emulator.api.v2.schemas as s; s.load(); print({wanted})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['emulator.api.control.answers']")
