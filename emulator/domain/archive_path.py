"""Where outputs go: the default archive path and the macros in one that was asked for [jobs §3.5]."""

from __future__ import annotations

import re
from collections.abc import Mapping

MACROS = (
    "APP_ID",
    "EXECUTION_SYSTEM",
    "BATCH_QUEUE",
    "JOB_NAME",
    "JOB_ID",
    "JOB_NODE_COUNT",
    "JOB_PROCESSORS_PER_NODE",
    "JOB_MEMORY_PER_NODE",
    "JOB_CREATED_TIME",
    "JOB_OWNER",
    "ARCHIVE_SYSTEM",
    "TENANT_ID",
)

_MACRO = re.compile(r"\$\{(" + "|".join(MACROS) + r")\}")


def default_archive_path(owner: str, job_id: str) -> str:
    """Relative to homeDir of the archive system; holds no slug."""
    return f"{owner}/archive/jobs/job-{job_id}"


def resolve(template: str, values: Mapping[str, str]) -> str:
    """The path with its macros replaced, once: values are not searched again; unknown macros stay.

    ``values`` has a text for each of :data:`MACROS`.
    """
    return _MACRO.sub(lambda match: values[match[1]], template)
