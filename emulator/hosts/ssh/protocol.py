"""What paramiko leaves out of SSH's sessions: how a signal ended a command, and sending one [RFC 4254 §6.9, §6.10].

Imported with paramiko only, that is by the first connection.
"""

from __future__ import annotations

import signal
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST


class SignallingTransport(paramiko.Transport):
    """A transport whose channels have 128 and the signal's number for an exit status, as shells say it."""

    _channel_handler_table = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_REQUEST: lambda channel, message: _handle_request(channel, message),
    }


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
