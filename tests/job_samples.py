"""Jobs as the store holds them, for tests and benchmarks that need some without running any."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.domain.app import App, AppInput, AppParameter
from emulator.domain.job import Job, JobPlan
from emulator.domain.states import JobState, status_message
from emulator.domain.system import Queue

WORLD = "default"
OWNER = "testuser"
NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
QUEUE = Queue(name="normal", default=True, max_requested_time="48:00:00")
APP = App(
    world=WORLD,
    uuid="7341557475441971686-242ac11f-0001-005",
    name="pearc19-classifier",
    version="0.1.0",
    owner=OWNER,
    execution_system="tacc.stampede2.testuser",
    execution_type="HPC",
    parallelism="SERIAL",
    deployment_system="tacc.corral.testuser",
    deployment_path="testuser/apps/classifier-0.1.0",
    template_path="wrapper.sh",
    test_path="test/test.sh",
    created=NOON,
    last_updated=NOON,
    label="Image classifier",
    short_description="Classify an image",
    tags=("classifier", "course"),
    modules=("load tacc-singularity",),
    default_queue="normal",
    default_node_count=1,
    default_max_run_time="01:00:00",
    inputs=(AppInput(id="imagefile", label="Image", description="The picture to classify"),),
    parameters=(AppParameter(id="predictions", default=5, type="number", label="How many predictions"),),
)
PLAN = JobPlan(
    app=APP,
    execution_system=APP.execution_system,
    scheduler="SLURM",
    queue=QUEUE,
    node_count=1,
    processors_per_node=1,
    total_processors=1,
    memory_per_node=1.0,
    max_run_seconds=3600,
    work_path="/scratch/testuser/job-of-a-test",
    archive=True,
    archive_on_app_error=False,
    archive_system="tacc.corral.testuser",
    archive_path="testuser/archive/jobs/job-of-a-test",
    archive_path_template="testuser/archive/jobs/job-of-a-test",
    parameters={"predictions": 5},
)


def job_id(number: int) -> str:
    """The id of the n-th sample: of the real form, and the same in every run."""
    return f"{number:08x}-0000-4000-8000-000000000000-007"


def sample_job(number: int = 1, plan: dict[str, Any] | None = None, **changes: Any) -> Job:
    """A job accepted ``number`` minutes after noon, FINISHED unless ``changes`` say otherwise."""
    accepted = NOON + timedelta(minutes=number)
    path = f"{OWNER}/archive/jobs/job-{job_id(number)}"
    values: dict[str, Any] = {
        "world": WORLD,
        "id": job_id(number),
        "name": f"classify {number}",
        "owner": OWNER,
        "tenant_id": "tacc.prod",
        "status": JobState.FINISHED,
        "last_status_message": status_message(JobState.ARCHIVING, JobState.FINISHED),
        "accepted": accepted,
        "created": accepted,
        "remote_submitted": accepted + timedelta(seconds=2),
        "remote_started": accepted + timedelta(seconds=4),
        "remote_ended": accepted + timedelta(seconds=34),
        "ended": accepted + timedelta(seconds=44),
        "last_updated": accepted + timedelta(seconds=44),
        "app_id": APP.id,
        "app_uuid": APP.uuid,
        "roles": "Internal/everyone,Internal/subscriber",
        "request": {"name": f"classify {number}", "appId": APP.id, "parameters": {"predictions": 5}},
        "remote_job_id": str(1000 + number),
        "remote_outcome": "FINISHED",
        "remote_status_checks": 2,
        "last_status_check": accepted + timedelta(seconds=34),
        "archived": True,
        "plan": replace(
            PLAN,
            **{
                "work_path": f"/scratch/{OWNER}/job-{job_id(number)}-classify-{number}",
                "archive_path": path,
                "archive_path_template": path,
            }
            | (plan or {}),
        ),
    }
    return Job(**values | changes)
