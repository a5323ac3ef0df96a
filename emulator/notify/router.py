"""Which way a message goes, by the address it goes to."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain.callback_url import is_slack, is_web
from emulator.domain.message_ports import Channel
from emulator.domain.notification import DeliveryResult, Message, Subscription
from emulator.notify.mail import SmtpChannel
from emulator.notify.mailbox import Mailbox
from emulator.notify.webhook import OwnServer, WebhookChannel
from emulator.settings import Settings


class Router:
    """http(s) addresses get a POST; e-mail goes to the SMTP server, where one is configured.

    Everything else is kept in the mailbox: e-mail without a server, and what would have gone to phones, to Slack
    and to agave:// addresses, where nobody listens [notifications §6.3].
    """

    def __init__(self, settings: Settings, mailbox: Mailbox, own: OwnServer | None = None) -> None:
        """``own``: how messages to the emulator itself are signed."""
        self._webhook = WebhookChannel(own=own, block_private=settings.block_private_hosts)
        self._outbox = Outbox(mailbox)
        self._mail: Channel = SmtpChannel(settings) if settings.smtp_host else mailbox

    def __call__(self, subscription: Subscription) -> Channel:
        url = subscription.url
        if is_web(url):
            return self._outbox if is_slack(url) else self._webhook
        # an agave path may hold an @ too
        return self._mail if "@" in url and "://" not in url else self._outbox


class Outbox:
    """Keeps in the mailbox what has no way out of this machine: as it would have gone out, and as one text."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def send(self, subscription: Subscription, message: Message, delivery_id: str) -> DeliveryResult:
        """See ports.Channel. A phone is sent the first line, everybody else the JSON."""
        text = message.body if "://" in message.url else message.text.partition("\n")[0]
        return self._mailbox.send(subscription, replace(message, text=text, html=""), delivery_id)
