"""Ports in a row that nobody uses, for what cannot take just any."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, on 127.0.0.1; AssertionError where there are none."""
    for first in range(20_000, 30_000, count):
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError(f"there are no {count} free ports in a row")
