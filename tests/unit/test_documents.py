"""Domain objects survive their way through JSON [document]."""

from __future__ import annotations

import json
from dataclasses import replace

from emulator.domain.app import App, AppParameter
from emulator.domain.document import from_document, to_document
from emulator.domain.job import JobPlan
from emulator.domain.notification import Policy, Subscription, SubscriptionStatus
from emulator.domain.system import Queue
from tests.job_samples import APP, NOON, PLAN


def through_json(value: object) -> object:
    return from_document(type(value), json.loads(json.dumps(to_document(value))))


def test_a_plan_with_everything_in_it() -> None:
    parameter = AppParameter(id="p", type="enumeration", enum_values=(("a", "A"), ("b", "ß")), default=["a"])
    queue = Queue(name="q", max_memory_per_node=0.5, custom_directives="-A x\n#SBATCH y")
    plan = replace(
        PLAN, app=replace(APP, parameters=(parameter,)), queue=queue, inputs={"in": ["a", "b c"], "n": None}
    )
    assert through_json(plan) == plan
    assert through_json(replace(plan, queue=None)) == replace(plan, queue=None)


def test_enums_and_dates() -> None:
    subscription = Subscription(
        world="w",
        id="i",
        owner="o",
        url="u",
        event="*",
        associated_uuid="a",
        created=NOON,
        last_updated=NOON,
        status=SubscriptionStatus.FAILED,
        policy=Policy(retry_strategy="DELAYED", retry_delay=3),
    )
    assert through_json(subscription) == subscription


def test_keys_of_a_later_version_are_left_out() -> None:
    document = to_document(APP) | {"a_new_field": 1}
    assert from_document(App, document) == APP
    assert from_document(JobPlan, to_document(PLAN) | {"x": {}}) == PLAN
