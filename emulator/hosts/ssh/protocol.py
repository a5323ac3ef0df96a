"""What paramiko leaves out of SSH's sessions: how a signal ended a command, and sending one [RFC 4254 §6.9, §6.10].

Imported with paramiko only, that is by the first connection.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST


class SignallingTransport(paramiko.Transport):
    """A transport whose channels have 128 and the signal's number for an exit status, as shells say it.

    And one that survives new keys: what the reading thread itself has to say while keys are exchanged (that a channel
    is closed) waits until they are. paramiko's own would wait for the keys in the very thread that must read them.
    """

    _channel_handler_table = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_REQUEST: lambda channel, message: _handle_request(channel, message),
    }

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._held: list[Any] = []

    def _send_user_message(self, data: Any) -> None:
        if threading.current_thread() is self and not self.clear_to_send.is_set():
            self._held.append(data)
        else:
            super()._send_user_message(data)  # type: ignore[misc]

    def _parse_newkeys(self, message: paramiko.Message) -> None:
        super()._parse_newkeys(message)  # type: ignore[misc]
        held, self._held = self._held, []
        for data in held:
            self._send_message(data)  # type: ignore[attr-defined]


def _handle_request(channel: Any, message: paramiko.Message) -> None:
    start = message.packet.tell()
    kind = message.get_string()
    if kind != b"exit-signal":
        message.packet.seek(start)
        channel._handle_request(message)
        return
    message.get_boolean()
    name = "SIG" + message.get_string().decode("ascii", "replace").partition("@")[0]
    number = signal.Signals[name].value if name in signal.Signals.__members__ else 0
    channel.exit_status = 128 + number
    channel.status_event.set()


def send_signal(channel: paramiko.Channel, name: str) -> None:
    """Send a signal (``KILL``) to the command of a session and to what it has started in its process group."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    transport: Any = channel.get_transport()
    transport._send_user_message(message)
