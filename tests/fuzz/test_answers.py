"""Every operation that is there, asked with data that fits its description and data that does not.

Whatever is asked: no answer that the description does not have. The requests are the same in every run;
FUZZ_EXAMPLES=<number> asks so many of each kind of each operation, different ones in every run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from emulator.api.v2 import coverage
from emulator.api.v2.coverage.operation import Operation, State
from emulator.api.v2.openapi import document
from tests.fuzz.known import Known, prepare
from tests.served import Api, served

pytestmark = pytest.mark.sample(5)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
# what takes things away comes last
_ORDER = ("GET", "POST", "PUT", "DELETE")
settings.register_profile(
    "answers",
    max_examples=EXAMPLES or 3,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Kind(Enum):
    """Of requests."""

    MEANT = "about what is there, with a body that is accepted but for some fields"
    FITTING = "what the description allows"
    ODD = "what it does not allow, about what is there"


@dataclass
class Ground:
    """A served emulator with known things in it: one for each service, whose operations are asked in order."""

    service: str
    api: Api
    known: Known


def _there() -> list[Any]:
    found = [each for each in coverage.operations() if each.state is not State.NOT_IMPLEMENTED]
    found.sort(key=lambda each: (coverage.SERVICES.index(each.service), _ORDER.index(each.verbs.split()[0])))
    return [
        pytest.param(each, id=each.name, marks=pytest.mark.xdist_group(f"fuzz-{each.service}"))
        for each in found
    ]


@pytest.fixture(scope="module")
def description() -> Any:
    return schemathesis.openapi.from_dict(document("tests", "http://localhost"))


@pytest.fixture(scope="module")
def ground_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Ground]]:
    """Opens the ground of a service, and closes that of the one before."""
    with ExitStack() as held:
        current: list[Ground] = []

        def open_for(service: str) -> Ground:
            if not current or current[-1].service != service:
                held.close()
                emulator = held.enter_context(
                    served(tmp_path_factory.mktemp("fuzzed"), keep_all_attempts=True)
                )
                # without credentials, but where only administrators get anywhere: the default user
                api = Api(emulator.url, "admin" if service == "profiles" else None)
                current.append(Ground(service, api, prepare(api, service)))
            return current[-1]

        yield open_for


@pytest.mark.parametrize("operation", _there())
def test_answers_are_as_described(
    operation: Operation, description: Any, ground_of: Callable[[str], Ground]
) -> None:
    ground = ground_of(operation.service)
    asked = description.find_operation_by_id(_id(operation))
    for kind in Kind:
        if kind is not Kind.ODD or asked.path_parameters or asked.query or asked.headers or asked.body:
            _hold(ground, operation, asked, kind)


def _hold(ground: Ground, operation: Operation, asked: Any, kind: Kind) -> None:
    mode = GenerationMode.NEGATIVE if kind is Kind.ODD else GenerationMode.POSITIVE

    @given(case=asked.as_strategy(generation_mode=mode), data=st.data())
    @settings(settings.get_profile("answers"))
    def holds(case: Case, data: st.DataObject) -> None:
        if kind is not Kind.FITTING:
            _name_what_is_there(case, ground.known, data)
        if kind is Kind.MEANT:
            _mean(case, ground.known, operation.name, data)
        # these change the form of answers
        assume(not {"naked", "filter"} & {str(name).lower() for name in case.query or {}})
        case.call_and_validate(
            base_url=ground.api.url,
            session=ground.api.session,
            checks=CHECKS,
            timeout=30,
            allow_redirects=False,
        )

    holds()


def _name_what_is_there(case: Case, known: Known, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 5))
    for name in case.path_parameters or {}:
        values = known.paths.get(name)
        if values:
            case.path_parameters[name] = values[place % len(values)]


def _mean(case: Case, known: Known, name: str, data: st.DataObject) -> None:
    """A query or body that is accepted, with at most two of its fields as they were generated, or gone."""
    if name in known.queries:
        case.query = _nearly(data.draw(st.sampled_from(known.queries[name])), case.query, data)
    if name in known.bodies and case.media_type != "multipart/form-data":
        case.body = _nearly(data.draw(st.sampled_from(known.bodies[name])), case.body, data)


def _nearly(accepted: dict[str, Any], drawn: Any, data: st.DataObject) -> dict[str, Any]:
    found, other = dict(accepted), drawn if isinstance(drawn, dict) else {}
    names = sorted({*found, *other})
    for name in data.draw(st.lists(st.sampled_from(names), max_size=2)) if names else []:
        if name in other:
            found[name] = other[name]
        else:
            found.pop(name, None)
    return found


def _id(operation: Operation) -> str:
    several = operation.verbs.split()
    return operation.name if len(several) == 1 else f"{operation.name}_{several[0].lower()}"
