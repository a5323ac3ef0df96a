"""A mail server on this machine that delivers nothing and keeps everything.

python -m tests.real.smtp_sink [--port 2525]      prints each message as a line of JSON
"""

import argparse
import asyncio
import email
import email.policy
import json
import socket
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.real.recorder import Recorder


@dataclass(frozen=True)
class Mail:
    """One message as the server took it: the SMTP envelope and the message itself, unchanged and parsed."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """Headers and body, parsed with the modern policy (``message["Subject"]`` is decoded)."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def text(self) -> str:
        r"""The plain text body, its lines ended by ``\n``; ``KeyError`` where there is none."""
        body = self.message.get_body(("plain",))
        if body is None:
            raise KeyError("the message has no text/plain body")
        return str(body.get_content()).replace("\r\n", "\n")


class SmtpSink:
    """Listens on ``host``:``port`` from construction to :meth:`close`; also a context manager."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.mails: Recorder[Mail] = Recorder()
        self._refusals: deque[str] = deque()
        listener = socket.create_server((host, port))
        self.host = host
        self.port: int = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=self._loop), sock=listener
            )
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-sink", daemon=True)
        self._thread.start()

    def refuse(self, *replies: str) -> None:
        """Answer the next messages with these in turn instead of taking them, e.g. ``451 try again``."""
        self._refusals.extend(replies)

    def wait_for(self, count: int, timeout: float = 30.0) -> list[Mail]:
        """All mails once at least ``count`` were taken; ``AssertionError`` after ``timeout`` seconds."""
        return self.mails.wait_for(count, timeout)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd when a message is complete; the answer goes to the client."""
        if self._refusals:
            return self._refusals.popleft()
        raw = envelope.original_content or b""
        self.mails.add(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
        return "250 taken"

    def close(self) -> None:
        """Stop listening, break what is connected, and end the thread."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _shut_down(self) -> None:
        self._server.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for task in sessions:
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    def __enter__(self) -> "SmtpSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every message that arrives, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.smtp_sink", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free port")
    with SmtpSink(port=parser.parse_args(arguments).port) as sink:
        print(f"listening on smtp://{sink.host}:{sink.port}", flush=True)
        shown = 0
        while True:
            for mail in sink.wait_for(shown + 1, threading.TIMEOUT_MAX)[shown:]:
                shown += 1
                headers = {name: str(value) for name, value in mail.message.items()}
                line = {"sender": mail.sender, "recipients": mail.recipients, "headers": headers}
                print(json.dumps(line | {"text": mail.text}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(0) from None
