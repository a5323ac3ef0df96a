"""Which way a message goes, by the address it goes to."""

from __future__ import annotations

from emulator.domain.notification import Subscription
from emulator.domain.ports import Channel
from emulator.notify.mail import SmtpChannel
from emulator.notify.mailbox import Mailbox
from emulator.notify.webhook import WebhookChannel
from emulator.settings import Settings


class Router:
    """http(s) addresses get a POST; e-mail goes to the SMTP server, where one is configured.

    Everything else (e-mail without a server, phone numbers) is kept in the mailbox [notifications §6.3].
    """

    def __init__(self, settings: Settings, mailbox: Mailbox) -> None:
        self._webhook = WebhookChannel()
        self._mailbox = mailbox
        self._smtp = SmtpChannel(settings) if settings.smtp_host else None

    def __call__(self, subscription: Subscription) -> Channel:
        url = subscription.url
        if url.lower().startswith(("http://", "https://")):
            return self._webhook
        if self._smtp is not None and "@" in url:
            return self._smtp
        return self._mailbox
