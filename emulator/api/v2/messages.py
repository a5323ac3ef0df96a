"""The messages of dialect v2: webhook bodies, e-mails, Slack's form of them [notifications §6]."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from emulator.api.edge import links_from
from emulator.api.v2.message_bodies import body_of
from emulator.api.v2.message_macros import expand, macros_of
from emulator.domain.callback_url import is_slack
from emulator.domain.event import Event
from emulator.domain.job import Job
from emulator.domain.notification import WILDCARD, Message, Subscription
from emulator.domain.states import JobState

_BAD_NEWS = ("FAILED", "FAILURE", "ERROR")


class V2Messages:
    """Renders messages. ``base_url`` tells where the emulator answers a user of a world.

    There is no request here that could tell it.
    """

    def __init__(self, base_url: Callable[[str, str], str]) -> None:
        self._base_url = base_url

    def message(self, resource: object, event: Event, subscription: Subscription) -> Message:
        """See ports.Renderer."""
        base = self._base_url(subscription.world, subscription.owner).rstrip("/") + "/"
        with links_from(base):
            document = body_of(resource, event)
            macros = macros_of(resource, base)
        uuid = subscription.associated_uuid
        about = event.subject if uuid == WILDCARD else uuid
        macros |= {"UUID": about, "EVENT": event.status}
        macros.setdefault("RAW_JSON", document)
        if isinstance(resource, Job):
            opening, lines = _job_opening(resource, event), _job_lines(resource, event, macros)
        else:
            opening, lines = _opening(event), _lines(event, document)
        url = expand(subscription.url, macros)
        if is_slack(url):
            document = _slack(event, opening, lines)
        return Message(
            url=url,
            event=event.status,
            body=json.dumps(document, separators=(",", ":"), ensure_ascii=False),
            subject=f"{event.kind.capitalize()} {event.subject} received a {event.status} event",
            text=opening + "\n\n" + "".join(f"{label}: {value}\n" for label, value in lines),
            html=_html(opening, lines),
            about=event.subject,
        )


def _job_opening(job: Job, event: Event) -> str:
    if event.status not in JobState.__members__:
        return f"Job {job.id} published a {event.status} event."
    return f'The status of job {job.id}, "{job.name}," has changed to {event.status}.'


def _opening(event: Event) -> str:
    return f"{event.kind.capitalize()} {event.subject} received a {event.status} event."


def _lines(event: Event, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of what can be said of any resource."""
    shown = {
        "Name": document.get("name") or document.get("path") or document.get("id"),
        "UUID": event.subject,
        "Owner": document.get("owner"),
        "URL": document.get("_links", {}).get("self", {}).get("href"),
        "Event": event.status,
        "Message": event.description,
    }
    return [(label, str(value)) for label, value in shown.items() if value is not None]


def _slack(event: Event, opening: str, lines: list[tuple[str, str]]) -> dict[str, Any]:
    """An incoming webhook of Slack takes this form only [notifications §6.3]."""
    title = f"{event.status} Webhook Notification"
    url = dict(lines).get("URL")
    return {
        "username": "tapis-emulator",
        "mrkdwn": True,
        "icon_emoji": ":bell:",
        "attachments": [
            {
                "fallback": opening,
                "color": "danger" if any(word in event.status for word in _BAD_NEWS) else "good",
                "title": title,
                **({"title_link": url} if url else {}),
                "text": "\n".join([opening, *(f"*{label}*: {value}" for label, value in lines)]),
                "mrkdwn_in": ["text"],
            }
        ],
    }


def _job_lines(job: Job, event: Event, macros: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value, as an e-mail lists them [notifications §6.3]."""
    shown = {
        "Name": job.name,
        "ID": job.id,
        "URL": macros["JOB_URL"],
        "App ID": job.app_id,
        "Execution System": job.plan.execution_system,
        "Message": job.last_status_message or event.description,
        "Submit Time": macros["JOB_SUBMIT_TIME"],
        "Start Time": macros["JOB_START_TIME"],
        "End Time": macros["JOB_END_TIME"],
        "Output Path": job.plan.archive_path if job.archived else macros["JOB_OUTPUT_PATH"],
        "Output URL": macros["JOB_ARCHIVE_URL"] if job.archived else f"{macros['JOB_URL']}/outputs/listings",
    }
    return [(label, "" if value is None else str(value)) for label, value in shown.items()]


def _html(opening: str, lines: list[tuple[str, str]]) -> str:
    rows = "".join(f"<strong>{escape(label)}:</strong> {escape(value)}<br>\n" for label, value in lines)
    return f"<p>{escape(opening)}</p>\n<p>{rows}</p>\n"
