"""Outputs of jobs over HTTP: listings and downloads [jobs §10]."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, request

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.downloads import send_file
from emulator.api.v2.legacy_jobs import time
from emulator.api.v2.mime_types import DIRECTORY, mime_type
from emulator.api.v2.wire import link, reply
from emulator.domain.file import permission_from_bits
from emulator.services.job_outputs import Output


def list_outputs(job_id: str, path: str = "") -> Response:
    page = bodies.page(unsigned=True)
    assert page.limit is not None
    found = services().outputs.listing(caller(), job_id, path, page.limit, page.offset)
    return reply([_entry(found.job_id, found.system_id, output) for output in found.outputs])


def download_output(job_id: str, path: str = "") -> Response:
    """GET and HEAD, whole or by range."""
    found = services().outputs.file(caller(), job_id, path, reading=request.method == "GET")
    return send_file(found.files, found.info.path, found.info.name, dated=False)


def _entry(job_id: str, system_id: str, output: Output) -> dict[str, Any]:
    info = output.info
    # the service has only the singular; clients also read the plural
    permission = permission_from_bits(info.mode >> 6 & 7).word
    return {
        "name": output.path.rpartition("/")[2],
        "path": output.path,
        "lastModified": time(info.last_modified),
        "length": info.length,
        "permission": permission,
        "permissions": permission,
        "mimeType": DIRECTORY if info.is_dir else mime_type(info.name),
        "format": "folder" if info.is_dir else "unknown",
        "type": "dir" if info.is_dir else "file",
        "_links": {
            "self": link(
                f"jobs/v2/{job_id}/outputs/{'listings' if info.is_dir else 'media'}{quote(output.path)}"
            ),
            "system": link(f"systems/v2/{system_id}"),
            "parent": link(f"jobs/v2/{job_id}"),
        },
    }
