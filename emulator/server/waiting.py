"""Waiting in a connection's thread for something else than its client, and noticing when the client has gone."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable

Wake = Callable[[], None]
Arrange = Callable[[Wake], Callable[[], None]]
"""Sees to it that the function it is given is called, from any thread; its answer takes that back."""

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR
# of <linux/tcp.h>; Python 3.11 does not name it
_TCP_NOTSENT_LOWAT = 25


class Bell:
    """Wakes a thread that waits on a file descriptor; may be rung too late, and more than once."""

    def __init__(self) -> None:
        self._handle = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # A descriptor's number is given again: who rings late must not write into somebody else's file.
        self._lock = threading.Lock()
        self._closed = False

    def fileno(self) -> int:
        return self._handle

    def ring(self) -> None:
        with self._lock:
            if not self._closed:
                os.eventfd_write(self._handle, 1)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            os.close(self._handle)


def wait_beside(sock: socket.socket, arrange: Arrange) -> bool:
    """Wait until what is arranged for rings, or the peer of ``sock`` has gone; whether it is still there.

    A peer that has ended its side in an orderly way counts as gone: nothing tells it from one that was closed.
    """
    bell = Bell()
    try:
        poll = select.poll()
        poll.register(bell.fileno(), select.POLLIN)
        # not POLLIN: what the client has sent meanwhile (a body, the next request) stays where it is
        poll.register(sock.fileno(), _GONE)
        take_back = arrange(bell.ring)
        try:
            return not any(handle != bell.fileno() for handle, _ in poll.poll())
        finally:
            take_back()
    finally:
        bell.close()


def wait_until_sent(sock: socket.socket, seconds: float) -> None:
    """Wait until the kernel has sent all that it was given, the peer has gone, or the time is over."""
    # With this limit at one byte a socket is writable only when nothing waits to be sent.
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, 1)
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLOUT)
    poll.poll(seconds * 1000)
