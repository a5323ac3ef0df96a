"""The built-in mailbox: a directory of .eml files per world, for people and tests to read."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from emulator.domain.message_ports import Mail
from emulator.domain.notification import DeliveryResult, Message, Subscription
from emulator.domain.ports import Clocks
from emulator.notify.mail import compose, one_line

_STAMP = "%Y%m%dT%H%M%S.%f"
_RECEIVED = "X-Received"
_ADDRESS = "X-Address"
"""Where the message was to go: no e-mail address, if it would have left by another way."""


class Mailbox:
    """Files are named by the time of arrival and the delivery: a message that is delivered again after a crash
    replaces itself.
    """

    def __init__(self, directory: Path, clocks: Clocks, sender: str) -> None:
        self._directory = directory
        self._clocks = clocks
        self._sender = sender

    def send(self, subscription: Subscription, message: Message, delivery_id: str) -> DeliveryResult:
        """See ports.Channel: the mailbox takes everything that has room on the disk."""
        now = self._clocks.of(subscription.world).now()
        folder = self._directory / subscription.world
        mail = compose(self._sender, message, delivery_id)
        mail[_RECEIVED] = now.isoformat()
        mail[_ADDRESS] = one_line(message.url)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            name = delivery_id if message.copy == 1 else f"{delivery_id}.{message.copy}"
            if not any(folder.glob(f"*-{name}.eml")):
                draft = folder / f".{name}"
                draft.write_bytes(mail.as_bytes())
                draft.rename(folder / f"{now.strftime(_STAMP)}-{name}.eml")
        except OSError as error:
            return DeliveryResult(code=500, text=str(error))
        return DeliveryResult(code=200, text="kept")

    def mails(self, world: str, to: str | None = None) -> list[Mail]:
        """See ports.MailReader."""
        found = [_read(path) for path in sorted((self._directory / world).glob("*.eml"), key=_arrival)]
        return [mail for mail in found if to is None or mail.to.lower() == to.lower()]

    def empty(self, world: str) -> int:
        """See ports.MailReader."""
        paths = list((self._directory / world).glob("*.eml"))
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)


def _arrival(path: Path) -> tuple[str, int]:
    """By the world's clock; while that stands still, as they were written."""
    return path.name.partition("-")[0], path.stat().st_mtime_ns


def _read(path: Path) -> Mail:
    parsed = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    stamp = parsed[_RECEIVED]
    return Mail(
        id=path.stem.partition("-")[2],
        sender=str(parsed["From"]),
        to=str(parsed[_ADDRESS] or parsed["To"]),
        subject=str(parsed["Subject"]),
        received=datetime.fromisoformat(stamp) if stamp else datetime.fromtimestamp(0, UTC),
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
    )


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    return str(body.get_content()).replace("\r\n", "\n") if body is not None else ""
