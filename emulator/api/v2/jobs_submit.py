"""POST /jobs/v2 [jobs §2]."""

from __future__ import annotations

from flask import Response, request

from emulator.api.edge import base_url, caller, edge, services
from emulator.api.v2 import bodies, job_record, legacy_jobs, wire
from emulator.api.v2.schemas import read_job
from emulator.domain.job import Job


def submit_job() -> Response:
    document = bodies.json_object()
    wanted = read_job(document, strict=edge().settings.strict_request, origins=[base_url(), request.host_url])
    return new_job(services().submission.submit(caller(), wanted))


def new_job(job: Job, again: bool = False) -> Response:
    """The answer to a submission; ``again``: to a resubmission, which the older service only accepted."""
    if legacy_jobs.chosen():
        return wire.reply(legacy_jobs.record(job), 202 if again else 201)
    subscriptions = services().submission.subscriptions_of(job)
    return wire.reply(job_record.submitted(job, subscriptions), 201)
