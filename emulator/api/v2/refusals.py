"""What a service would say with a status that a scenario asks for [conventions §9.1]."""

from __future__ import annotations

from http.client import responses

from flask import Response

from emulator.api.called import Called
from emulator.api.v2.wire import NO_STORE, bare, error_reply, reply

_WORDS = {
    ("apps", 403): "Permission denied. You do not have permission to view this application",
    ("apps", 404): "No software found matching {appId}",
    ("clients", 401): "Login failed.Please recheck the username and password and try again.",
    ("clients", 404): "Application not found",
    ("files", 403): "User does not have access to view the requested resource",
    ("files", 404): "File/folder does not exist",
    ("files", 416): "Specified Range upper bound outside bounds of file",
    ("files", 500): "Failed to retrieve information for {path}",
    ("jobs", 403): "User does not have permission to view this job",
    ("jobs", 404): "No job found with job id {jobId}.",
    ("meta", 403): "User does not have permission to view this resource.",
    ("meta", 404): "No metadata item found for user with id {uuid}",
    ("notifications", 403): "User does not have permission to view this notification",
    ("notifications", 404): "No notification found matching {uuid}",
    ("postits", 403): "Postit key has already been redeemed.",
    ("postits", 404): "Unknown postit key.",
    ("profiles", 404): "No user found matching {username}",
    ("systems", 403): "Permission denied. You do not have permission to view this system",
    ("systems", 404): "No system found matching {systemId}",
}
"""By service and status; what stands in braces is named by the URL, or else the words are not used."""

_OAUTH = ("tokens.create", "tokens.revoke")


def answer(called: Called, status: int, message: str) -> Response:
    """The service's answer with this status, in the envelope, or as OAuth has it [auth §4].

    Without a ``message`` in the words it has for such a case, else in those of HTTP, as the service's framework does.
    """
    if status < 400:
        return reply(status=status, message=message or None)
    text = message or _words(called, status)
    if called.name in _OAUTH and status in (400, 401):
        error = "invalid_client" if status == 401 else "invalid_request"
        return bare({"error": error, "error_description": text}, status, NO_STORE)
    return error_reply(status, text)


def _words(called: Called, status: int) -> str:
    template = _WORDS.get((called.service, status), "")
    try:
        text = template.format_map({**called.variables, "path": called.file or "/"})
    except KeyError:  # the request names no such thing
        text = ""
    return text or responses.get(status, "Unknown")
