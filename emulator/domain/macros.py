"""Macros of wrapper templates, custom directives and startup scripts: ``${NAME}`` [wrapper-templates §6]."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from urllib.parse import quote

from emulator.domain.job import Job
from emulator.domain.moments import utc_text
from emulator.domain.resources import number_text, run_time_text
from emulator.domain.slug import slug
from emulator.domain.states import JobState
from emulator.domain.system import LoginConfig, System
from emulator.domain.work_dir import FAILURE_MARK

DEFAULT_EVENT = "JOB_RUNTIME_CALLBACK_EVENT"
CALLBACKS = (
    "RUNNING",
    "CLEANING_UP",
    "SUCCESS",
    "FAILURE",
    "ARCHIVING_START",
    "ARCHIVING_SUCCESS",
    "ARCHIVING_FAILURE",
    "ALIVE",
    "NOTIFICATION",
)
CALLBACK_PREFIXES = ("AGAVE_JOB_CALLBACK_", "IPLANT_")
NOTIFICATION = re.compile(r"\$\{(?:AGAVE_JOB_CALLBACK|IPLANT)_NOTIFICATION\|[^{}]*\}")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_JOB_MACROS_OF_STARTUP = (
    "NAME",
    "ID",
    "APP_ID",
    "EXECUTION_SYSTEM",
    "BATCH_QUEUE",
    "BATCH_QUEUE_EFFECTIVE_NAME",
    "ARCHIVE_PATH",
    "OWNER",
    "TENANT",
    "WORK_PATH",
)


def attribute_macros(job: Job, work_dir: str, base_url: str) -> dict[str, str]:
    """Name to value of the macros that say something about the job [wrapper-templates §6.1].

    ``work_dir`` is the absolute path that the script runs in.
    """
    plan = job.plan
    base = base_url.rstrip("/") + "/"
    queue = plan.queue
    milliseconds = plan.max_run_seconds * 1000
    archive_url = f"{base}files/v2/media/system/{plan.archive_system}/{quote(plan.archive_path)}"
    return {
        "AGAVE_JOB_NAME": slug(job.name),
        "IPLANT_JOB_NAME": slug(job.name),
        "AGAVE_JOB_NAME_RAW": job.name,
        "AGAVE_JOB_ID": job.id,
        "AGAVE_JOB_APP_ID": job.app_id,
        "AGAVE_JOB_EXECUTION_SYSTEM": plan.execution_system,
        "AGAVE_JOB_BATCH_QUEUE": queue.name if queue else "",
        "AGAVE_JOB_BATCH_QUEUE_EFFECTIVE_NAME": queue.effective_name if queue else "",
        "AGAVE_JOB_SUBMIT_TIME": utc_text(job.accepted),
        "AGAVE_JOB_ARCHIVE": "1" if plan.archive else "",
        "AGAVE_JOB_ARCHIVE_SYSTEM": plan.archive_system or "",
        "AGAVE_JOB_ARCHIVE_PATH": plan.archive_path,
        "AGAVE_JOB_ARCHIVE_URL": archive_url if plan.archive else "",
        "AGAVE_JOB_NODE_COUNT": str(plan.node_count),
        "AGAVE_JOB_PROCESSORS_PER_NODE": str(plan.processors_per_node),
        "AGAVE_JOB_MEMORY_PER_NODE": str(number_text(plan.memory_per_node)),
        "IPLANT_CORES_REQUESTED": str(plan.total_processors),
        "AGAVE_JOB_MAX_RUNTIME": run_time_text(plan.max_run_seconds),
        "AGAVE_JOB_MAX_RUNTIME_MILLISECONDS": str(milliseconds),
        "AGAVE_JOB_MAX_RUNTIME_SECONDS": str(plan.max_run_seconds),
        "AGAVE_JOB_WORK_PATH": work_dir,
        "AGAVE_JOB_OWNER": job.owner,
        "AGAVE_JOB_TENANT": job.tenant_id,
        "AGAVE_BASE_URL": base,
    }


def callback_macros(work_dir: str) -> dict[str, str]:
    """Name to shell text of the callback macros [wrapper-templates §6.2].

    A failure leaves a mark in the work directory, the others a line in the job's log. Names of the remaining
    states stand for nothing. Each text is one command, so that it may follow ``&&`` and ``||``.
    """
    mark = shlex.quote(f"{work_dir}/{FAILURE_MARK}")
    texts = {f"{prefix}{state.value}": "" for prefix in CALLBACK_PREFIXES for state in JobState}
    for prefix in CALLBACK_PREFIXES:
        for word in CALLBACKS:
            texts[f"{prefix}{word}"] = f'agave_log_response "{prefix}{word}"'
        texts[f"{prefix}FAILURE"] = f'{{ agave_log_response "FAILURE"; touch {mark}; }}'
        del texts[f"{prefix}FAILED"]  # the one state the service leaves alone
    return texts


def notification_text(arguments: str) -> str:
    """Shell text of ``${AGAVE_JOB_CALLBACK_NOTIFICATION|…}``: a line in the log with the variables' values.

    ``arguments`` is ``VAR1,VAR2`` or ``EVENT_NAME|VAR1,VAR2``.
    """
    event, bar, names = arguments.rpartition("|")
    event = event if bar and _VARIABLE.fullmatch(event) else DEFAULT_EVENT
    values = [
        f' "{name}=${{{name}-}}"' for name in map(str.strip, names.split(",")) if _VARIABLE.fullmatch(name)
    ]
    return f'agave_log_response "NOTIFICATION {event}"' + "".join(values)


def startup_macros(job: Job, system: System, work_dir: str, base_url: str) -> dict[str, str]:
    """Name to value of the macros in a system's startupScript [wrapper-templates §6.3]."""
    attributes = attribute_macros(job, work_dir, base_url)
    storage, login = system.storage, system.login or LoginConfig(host="", port=None, protocol="")
    texts: dict[str, object] = {
        "SYSTEM_ID": system.id,
        "SYSTEM_UUID": system.uuid,
        "SYSTEM_OWNER": system.owner,
        "SYSTEM_STORAGE_PROTOCOL": storage.protocol,
        "SYSTEM_STORAGE_HOST": storage.host,
        "SYSTEM_STORAGE_PORT": storage.port,
        "SYSTEM_STORAGE_RESOURCE": storage.resource,
        "SYSTEM_STORAGE_ZONE": storage.zone,
        "SYSTEM_STORAGE_CONTAINER": storage.container,
        "SYSTEM_STORAGE_ROOTDIR": storage.root_dir,
        "SYSTEM_STORAGE_HOMEDIR": storage.home_dir,
        "SYSTEM_STORAGE_AUTH_TYPE": storage.auth.type if storage.auth else None,
        "SYSTEM_LOGIN_PROTOCOL": login.protocol,
        "SYSTEM_LOGIN_HOST": login.host,
        "SYSTEM_LOGIN_PORT": login.port,
        "SYSTEM_LOGIN_AUTH_TYPE": login.auth.type if login.auth else None,
        # spellings of the documentation
        "SYSTEM_ROOT_DIR": storage.root_dir,
        "SYSTEM_HOME_DIR": storage.home_dir,
        "USERNAME": job.owner,
    }
    values = {name: "" if value is None else str(value) for name, value in texts.items()}
    return values | {f"AGAVE_JOB_{name}": attributes[f"AGAVE_JOB_{name}"] for name in _JOB_MACROS_OF_STARTUP}


def resolve_macros(text: str, values: Mapping[str, str]) -> str:
    """Every ``${NAME}`` of ``values`` replaced, once and literally; others stay."""
    if "${" not in text or not values:
        return text
    names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))
    return re.sub(rf"\$\{{({names})\}}", lambda match: values[match[1]], text)
