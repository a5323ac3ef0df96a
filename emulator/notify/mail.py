"""E-mails as they go out: by SMTP where a server is configured, else into the built-in mailbox."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

from emulator.domain.notification import DeliveryResult, Message, Subscription

if TYPE_CHECKING:
    from emulator.settings import Settings

_TIMEOUT_SECONDS = 20
# subjects hold a job's uuid and stay on one line: many a mail filter does not unfold them
_POLICY = policy.SMTP.clone(max_line_length=250)


def compose(sender: str, message: Message, delivery_id: str) -> EmailMessage:
    """The e-mail of a message, text first and HTML beside it [notifications §6.3]."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    is_address = "@" in message.url and "://" not in message.url
    mail["To"] = one_line(message.url) if is_address else "undisclosed-recipients:;"
    mail["Subject"] = one_line(message.subject)
    mail["Message-ID"] = f"<{delivery_id}@tapis-emulator>"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def one_line(text: str) -> str:
    """Without control characters, which would end a header; an address never holds any."""
    return "".join(c for c in text if c.isprintable())


class SmtpChannel:
    """Hands each e-mail to the configured SMTP server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, subscription: Subscription, message: Message, delivery_id: str) -> DeliveryResult:
        """See ports.Channel; 200 once the server has taken it, 408 on a time-out, else 500."""
        import smtplib
        from email.utils import localtime

        options = self._settings
        mail = compose(options.mail_from, message, delivery_id)
        mail["Date"] = localtime()
        try:
            with smtplib.SMTP(options.smtp_host, options.smtp_port, timeout=_TIMEOUT_SECONDS) as server:
                if options.smtp_starttls:
                    server.starttls()
                if options.smtp_user:
                    server.login(options.smtp_user, options.smtp_password)
                server.send_message(mail)
        except TimeoutError as error:
            return DeliveryResult(code=408, text=str(error))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return DeliveryResult(code=500, text=str(error))
        return DeliveryResult(code=200, text="sent")
