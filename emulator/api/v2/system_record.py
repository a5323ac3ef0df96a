"""How a system looks to clients: full object, summary, queue, role, event [systems §2-§4, §7, §11].

Credentials never get here: the domain keeps them apart from a System.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from emulator.api.v2.wire import chicago, link, metadata_link, utc_seconds
from emulator.domain.credentials import DEFAULT_USER, Credential
from emulator.domain.event import Event
from emulator.domain.resources import number_text
from emulator.domain.states import JobState
from emulator.domain.system import (
    AuthShape,
    LoginConfig,
    Proxy,
    Queue,
    StorageConfig,
    System,
    SystemRole,
    SystemType,
)
from emulator.services.system_queues import QueueLoad

_LONGEST_DESCRIPTION = 255
# the words of a queue's load, and the states they count [systems §4.2]
_LOAD = {
    "pending": (JobState.PENDING,),
    "paused": (JobState.PAUSED, JobState.BLOCKED),
    "processingInputs": (JobState.PROCESSING_INPUTS,),
    "stagingInputs": (JobState.STAGING_INPUTS,),
    "staging": (JobState.STAGED, JobState.STAGING_JOB),
    "submitting": (JobState.SUBMITTING,),
    "queued": (JobState.QUEUED,),
    "running": (JobState.RUNNING,),
    "cleaningUp": (JobState.CLEANING_UP,),
    "archiving": (JobState.ARCHIVING,),
}
_BEFORE_SUBMISSION = ("pending", "processingInputs", "stagingInputs", "staging", "submitting")


def full(system: System, defaults: Collection[str]) -> dict[str, Any]:
    """``defaults`` are the ids of the caller's default systems."""
    record: dict[str, Any] = {
        "site": system.site,
        "id": system.id,
        "revision": system.revision,
        "default": system.id in defaults,
        "status": system.status.value,
        "description": system.description,
        "name": system.name,
        "globalDefault": system.global_default,
        "available": system.available,
        "uuid": system.uuid,
        "public": system.public,
        "type": system.type.value,
        "lastModified": chicago(system.last_updated),
    }
    if system.type is SystemType.EXECUTION:
        record |= _execution(system)
    record |= {"owner": system.owner, "storage": _storage(system)}
    return record | {"_links": _links(system)}


def summary(system: System, defaults: Collection[str]) -> dict[str, Any]:
    """One line of a listing; the only place where the date is called ``lastUpdated``."""
    text = system.description
    if text is not None and len(text) > _LONGEST_DESCRIPTION:
        text = text[:_LONGEST_DESCRIPTION] + "..."
    return {
        "id": system.id,
        "name": system.name,
        "type": system.type.value,
        "description": text,
        "status": system.status.value,
        "public": system.public,
        "lastUpdated": chicago(system.last_updated),
        "default": system.id in defaults,
        "_links": {"self": _self(system)},
    }


def queue_load(system_id: str, loaded: QueueLoad, now: datetime) -> dict[str, Any]:
    """A queue as its own routes show it, with the load on it."""
    queue = loaded.queue
    base = f"systems/v2/{system_id}"
    return {
        "id": queue.uuid,
        **_queue(queue),
        "maxMemoryPerNode": float(queue.max_memory_per_node),
        "load": _load(loaded, now),
        "_links": {"self": link(f"{base}/queues/{queue.name}"), "executionSystem": link(base)},
    }


def role(system: System, entry: SystemRole) -> dict[str, Any]:
    user = quote(entry.username, safe="")
    return {
        "username": entry.username,
        "role": entry.role.name,
        "_links": {
            "self": link(f"systems/v2/{system.id}/roles/{user}"),
            "parent": _self(system),
            "profile": link(f"profiles/v2/{user}"),
        },
    }


def credential(system: System, one: Credential) -> dict[str, Any]:
    """What may be told of it [systems §10]."""
    user = quote(one.username or DEFAULT_USER, safe="")
    return {
        "parentType": one.part,
        "default": one.username is None,
        "internalUsername": one.username,
        "type": one.shape.type,
        "created": chicago(one.created),
        "valid": True,
        "expirationDate": None,
        "server": one.shape.server,
        "_links": {
            "self": link(f"systems/v2/{system.id}/credentials/{user}/{one.part}"),
            "parent": _self(system),
        },
    }


def events(system_id: str, history: Iterable[Event]) -> list[dict[str, Any]]:
    return [event(system_id, entry) for entry in history]


def event(system_id: str, entry: Event) -> dict[str, Any]:
    here = link(f"systems/v2/{system_id}/history/{entry.uuid}")
    return {
        "id": entry.uuid,
        "status": entry.status,
        "createdBy": entry.created_by,
        "description": entry.description,
        "created": utc_seconds(entry.created),
        "_links": {"self": here, "system_event": here, "system": link(f"systems/v2/{system_id}")},
    }


def _execution(system: System) -> dict[str, Any]:
    return {
        "executionType": system.execution_type,
        "scheduler": system.scheduler,
        "environment": system.environment,
        "startupScript": system.startup_script,
        "maxSystemJobs": system.max_system_jobs,
        "maxSystemJobsPerUser": system.max_system_jobs_per_user,
        "workDir": system.work_dir,
        "scratchDir": system.scratch_dir,
        "queues": [_queue(queue) for queue in system.queues],
        "login": _login(system.login),
    }


def _queue(queue: Queue) -> dict[str, Any]:
    return {
        "name": queue.name,
        "default": queue.default,
        "description": queue.description,
        "mappedName": queue.mapped_name,
        "maxJobs": queue.max_jobs,
        "maxUserJobs": queue.max_user_jobs,
        "maxNodes": queue.max_nodes,
        "maxProcessorsPerNode": queue.max_processors_per_node,
        "maxRequestedTime": queue.max_requested_time,
        "maxMemoryPerNode": number_text(queue.max_memory_per_node),
        "customDirectives": queue.custom_directives,
    }


def _load(loaded: QueueLoad, now: datetime) -> dict[str, Any]:
    counts = {word: sum(loaded.jobs.get(state, 0) for state in states) for word, states in _LOAD.items()}
    return {
        "name": loaded.queue.name,
        "active": sum(counts.values()),
        "backlogged": sum(counts[word] for word in _BEFORE_SUBMISSION),
        **counts,
        "created": chicago(now),
    }


def _storage(system: System) -> dict[str, Any]:
    storage: StorageConfig = system.storage
    record = {
        "host": storage.host,
        "port": storage.port,
        "protocol": storage.protocol,
        "rootDir": storage.root_dir,
        "homeDir": storage.home_dir,
        "mirror": storage.mirror,
        "proxy": _proxy(storage.proxy),
        "auth": _auth(storage.auth),
    }
    if system.type is SystemType.STORAGE:
        record["publicAppsDir"] = storage.public_apps_dir
    if storage.protocol in ("IRODS", "IRODS4"):
        record |= {"zone": storage.zone, "resource": storage.resource}
    if storage.protocol in ("S3", "AZURE"):
        record["container"] = storage.container
    return record


def _login(login: LoginConfig | None) -> dict[str, Any] | None:
    if login is None:
        return None
    return {
        "host": login.host,
        "port": login.port,
        "protocol": login.protocol,
        "proxy": _proxy(login.proxy),
        "auth": _auth(login.auth),
    }


def _proxy(proxy: Proxy | None) -> dict[str, Any] | None:
    return None if proxy is None else {"name": proxy.name, "host": proxy.host, "port": proxy.port}


def _auth(auth: AuthShape | None) -> dict[str, Any] | None:
    """Null for a clone, which has no credentials yet."""
    if auth is None:
        return None
    record: dict[str, Any] = {"type": auth.type}
    if auth.server is not None:
        record["server"] = auth.server
    if auth.ca_certs is not None:
        record["caCerts"] = auth.ca_certs
    return record


def _self(system: System) -> dict[str, str]:
    return link(f"systems/v2/{system.id}")


def _links(system: System) -> dict[str, Any]:
    base = f"systems/v2/{system.id}"
    links = {
        "self": link(base),
        "roles": link(f"{base}/roles"),
        "credentials": link(f"{base}/credentials"),
        "metadata": metadata_link(system.uuid),
    }
    if system.type is SystemType.EXECUTION:
        links["history"] = link(f"{base}/history")
    if not system.public:
        links["owner"] = link(f"profiles/v2/{quote(system.owner, safe='')}")
    return links
