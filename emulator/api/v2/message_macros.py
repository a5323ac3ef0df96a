"""The macros in the addresses of messages: ``${NAME}`` [notifications §7]."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from emulator.api.v2.job_record import fields
from emulator.api.v2.wire import chicago, file_url, utc
from emulator.domain.app import App
from emulator.domain.file import DIRECTORY, LogicalFile
from emulator.domain.job import Job
from emulator.domain.resources import run_time_text
from emulator.domain.states import JobState
from emulator.domain.system import LoginConfig, StorageConfig, System

_MACRO = re.compile(r"\$\{([A-Z_]+)\}")


def macros_of(resource: object, base: str) -> dict[str, Any]:
    """Name to value of what can be said of a resource; ``base`` is the base URL, with its slash."""
    if isinstance(resource, Job):
        return _job(resource, base)
    if isinstance(resource, App):
        return {"APP_ID": resource.id}
    if isinstance(resource, LogicalFile):
        return _file(resource)
    return _system(resource) if isinstance(resource, System) else {}


def expand(url: str, macros: dict[str, Any]) -> str:
    """Fill in ``${NAME}``: raw in the path, escaped in the query; unknown names stay [notifications §7]."""

    def value(match: re.Match[str], escaped: bool) -> str:
        name = match[1]
        if name not in macros:
            return match[0]
        text = "" if macros[name] is None else _text(macros[name])
        return quote(text, safe="") if escaped else text

    path, mark, query = url.partition("?")
    return (
        _MACRO.sub(lambda match: value(match, False), path)
        + mark
        + _MACRO.sub(lambda match: value(match, True), query)
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _job(job: Job, base: str) -> dict[str, Any]:
    plan = job.plan
    now = fields(job)
    archive_url = base + file_url(plan.archive_system or "", plan.archive_path, "listings")
    failed = job.status is JobState.FAILED
    return {
        "JOB_STATUS": job.status.value,
        "JOB_URL": f"{base}jobs/v2/{job.id}",
        "JOB_ID": job.id,
        "JOB_SYSTEM": plan.execution_system,
        "JOB_EXECUTION_SYSTEM": plan.execution_system,
        "JOB_NAME": job.name,
        "JOB_CREATED": utc(job.created),
        "JOB_SUBMIT_TIME": utc(job.remote_submitted),
        "JOB_START_TIME": utc(job.remote_started),
        "JOB_END_TIME": utc(job.ended),
        "JOB_ARCHIVE": plan.archive,
        "JOB_ARCHIVE_SYSTEM": plan.archive_system,
        "JOB_ARCHIVE_PATH": plan.archive_path,
        "JOB_ARCHIVE_URL": archive_url if plan.archive_system else None,
        "JOB_ERROR": job.last_status_message if failed else None,
        "JOB_OUTPUT_PATH": now["workPath"],
        "OWNER": job.owner,
        "JOB_OWNER": job.owner,
        "JOB_TENANT": job.tenant_id,
        "APP_ID": job.app_id,
        "JOB_APP_ID": job.app_id,
        "JOB_APPID": job.app_id,
        "JOB_BATCH_QUEUE": now["remoteQueue"],
        "JOB_LOCAL_ID": job.remote_job_id,
        "JOB_MAX_RUNTIME": run_time_text(plan.max_run_seconds),
        "JOB_MAX_RUNTIME_MILLISECONDS": plan.max_run_seconds * 1000,
        "JOB_NODE_COUNT": plan.node_count,
        "JOB_PROCESSORS_PER_NODE": plan.processors_per_node,
        "JOB_MEMORY_PER_NODE": plan.memory_per_node,
        "JOB_INPUTS": plan.inputs,
        "JOB_PARAMETERS": plan.parameters,
        "JOB_JSON": now,
        "RAW_JSON": now,
    }


def _file(file: LogicalFile) -> dict[str, Any]:
    return {
        "TYPE": "dir" if file.native_format == DIRECTORY else "file",
        "FORMAT": file.native_format,
        "PATH": file.path,
        "SYSTEM": file.system_id,
        # names of callbacks of uploads [files §6.4]
        "NAME": file.name,
        "SOURCE_FORMAT": file.native_format,
        "STATUS": file.status,
    }


def _system(system: System) -> dict[str, Any]:
    return {
        "SYSTEM_ID": system.id,
        "STATUS": system.status.value,
        "PUBLIC": system.public,
        "GLOBAL_DEFAULT": system.global_default,
        "LAST_UPDATED": chicago(system.last_updated),
        **_connection("STORAGE", system.storage),
        "STORAGE_ROOTDIR": system.storage.root_dir,
        "STORAGE_HOMEDIR": system.storage.home_dir,
        "STORAGE_ZONE": system.storage.zone,
        "STORAGE_RESOURCE": system.storage.resource,
        "STORAGE_CONTAINER": system.storage.container,
        **_connection("LOGIN", system.login),
    }


def _connection(prefix: str, config: StorageConfig | LoginConfig | None) -> dict[str, Any]:
    return {
        f"{prefix}_PROTOCOL": config.protocol if config else None,
        f"{prefix}_HOST": config.host if config else None,
        f"{prefix}_PORT": config.port if config else None,
        f"{prefix}_AUTH_TYPE": config.auth.type if config and config.auth else None,
    }
