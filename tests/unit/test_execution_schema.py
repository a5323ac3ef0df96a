"""What execution systems and queues may hold, and how each refusal is worded [systems §4]."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.api.v2.schemas.system import parse_queue, parse_system
from emulator.domain.errors import Invalid
from emulator.domain.system import Queue
from tests.catalog import EXECUTION, changed

IN_LOGIN = "Failed to parse 'login' object: "
IN_QUEUE = "Failed to parse 'queue': "


def refusal(body: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as refused:
        parse_system(body)
    return refused.value.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"executionType": ...},
            "No 'executionType' value specified. Please specify one of: ATMOSPHERE,HPC,CONDOR,CLI",
        ),
        (
            {"executionType": "GRID"},
            "Invalid 'executionType' value. Please specify one of: ATMOSPHERE,HPC,CONDOR,CLI",
        ),
        (
            {"scheduler": ...},
            "Please specify a value for the 'scheduler' field. Valid values are: LSF,CUSTOM_LSF,LOADLEVELER,"
            "CUSTOM_LOADLEVELER,PBS,CUSTOM_PBS,SGE,CUSTOM_GRIDENGINE,TORQUE,CUSTOM_TORQUE,MOAB,CUSTOM_MOAB,"
            "SLURM,CUSTOM_SLURM",
        ),
        (
            {"executionType": "CONDOR"},
            "Invalid 'scheduler' value. Please specify one of: CONDOR,CUSTOM_CONDOR",
        ),
        (
            {"login": ...},
            "No 'login' value specified. Please specify a JSON object representing a valid 'login' configuration.",
        ),
        (
            {"login__protocol": "TELNET"},
            IN_LOGIN + "Invalid 'login.protocol' value. Please specify one of: API,SSH,GSISSH,LOCAL",
        ),
        (
            {"login__protocol": "GSISSH", "login__proxy": {"name": "p", "host": "h", "port": 1}},
            IN_LOGIN
            + "Proxy servers are not supported when using GSISSH. To specify a proxy server you must "
            "change 'login.protocol' to 'SSH'.",
        ),
        (
            {"login__proxy": {"host": "h"}},
            IN_LOGIN + "Please specify a valid string value for the 'proxy.name' field.",
        ),
        (
            {"queues": []},
            "No 'queues' value specified. Please specify a JSON array of one or more queue configuration objects.",
        ),
        (
            {"queues": {}},
            "No 'queues' value specified. Please specify a JSON array of one or more queue configuration objects.",
        ),
        (
            {"queues": [{"name": "a"}, {"name": "a"}]},
            IN_QUEUE + "Queue names must be unique to the system.",
        ),
        (
            {"queues": [{"name": "a", "maxJobs": 0}]},
            IN_QUEUE
            + "Invalid 'queue.maxJobs' value. If specified, maxJobs should be a positive integer value "
            "or -1 for no limit.",
        ),
        (
            {"maxSystemJobs": 0},
            "Invalid 'maxSystemJobs' value. If specified, please specify a valid postive integer value for the "
            "maximum number of simultaneous jobs allowed on this system.",
        ),
        (
            {"maxSystemJobsPerUser": "many"},
            "Invalid 'maxSystemJobsPerUser' value. If specified, please specify a valid postive integer value for "
            "the maximum number of simultaneous jobs per user allowed on this system.",
        ),
        (
            {"startupScript": " "},
            "Invalid 'startupScript' value. If provided, please specify a valid path to the startup script that "
            "should be run prior to execution.",
        ),
        ({"workDir": "x" * 256}, "'system.workDir' must be less than 255 characters."),
        # the first of several, in the order of the fields
        (
            {"name": ..., "executionType": ..., "storage": ...},
            "Please specify a valid string value for the 'name' field.",
        ),
    ],
    ids=str,
)
def test_execution_systems_that_are_refused(changes: dict[str, Any], message: str) -> None:
    assert refusal(changed(EXECUTION, **changes)) == message


def test_defaults_and_tolerances_of_execution_systems() -> None:
    body = changed(
        EXECUTION, executionType="cli", scheduler=..., queues=..., workDir=" /work// ", scratchDir=None
    )
    made, credentials = parse_system(body)
    assert (made.execution_type, made.scheduler) == ("CLI", "FORK")
    assert made.queues == (Queue(name="default"),)
    assert (made.work_dir, made.scratch_dir) == ("/work/", "")
    assert set(credentials) == {"storage", "login"}
    assert parse_system(changed(EXECUTION, scheduler="custom_slurm"))[0].scheduler == "CUSTOM_SLURM"
    assert parse_system(changed(EXECUTION, scheduler="Cobalt"))[0].scheduler == "COBALT"


# queues


@pytest.mark.parametrize(
    ("given", "stored"),
    [("64GB", 64), ("1TB", 1024), ("512MB", 0.5), (32, 32), ("1.5", 1.5), (-1, -1), ("-1", -1), (None, -1)],
)
def test_memory_of_a_queue_is_in_gigabytes(given: Any, stored: float) -> None:
    assert parse_queue({"name": "q", "maxMemoryPerNode": given}).max_memory_per_node == stored


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Please specify a valid string value for the 'queue.name' field."),
        (
            {"name": "a_b"},
            "'queue.name' may only contain alphanumeric characters, periods, and dashes.",
        ),
        ({"name": "a" * 129}, "'queue.name' must be less than 128 characters."),
        (
            {"name": "q", "maxJobs": 2, "maxUserJobs": 3},
            "Invalid 'queue.maxUserJobs' value. If specified, maxUserJobs must be less than the maxJobs for this "
            "queue.",
        ),
        (
            {"name": "q", "maxMemoryPerNode": "0GB"},
            "Invalid 'queue.maxMemoryPerNode' value. If specified, maxMemoryPerNode should be a postive value "
            "specified in ###.#[EPTGM]B format or -1 for no limit.",
        ),
        (
            {"name": "q", "maxRequestedTime": "1:60:00"},
            "'system.queues.maxRequestedTime' must be in the form of hh:mm:ss.",
        ),
        (
            {"name": "q", "default": 1},
            "Invalid 'queue.default' value. If specified, please specify either true or false.",
        ),
    ],
    ids=str,
)
def test_queues_that_are_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_queue(body)
    assert refused.value.message == message


def test_a_queue_by_its_defaults() -> None:
    queue = parse_queue({"name": "q", "maxJobs": "5", "maxUserJobs": -1})
    assert queue == Queue(name="q", max_jobs=5)
    assert queue.max_requested_time == "999:59:59"
    assert queue.effective_name == "q"
    assert parse_queue({"name": "q", "mappedName": "real"}).effective_name == "real"
