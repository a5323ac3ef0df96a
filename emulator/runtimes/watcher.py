"""Waits for the end of processes, children of ours or not, without a thread for each.

Where the system has process file descriptors, one thread sleeps on all of them. Elsewhere a child gets a
waiting thread, and a process taken over from an earlier run is looked at twice a second by the clock.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from emulator.domain.ports import Clock
from emulator.runtimes.processes import Identity

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(seconds=0.5)


class Watcher(Protocol):
    """``ended`` is called once, from a thread of the watcher's; it must be short."""

    def watch_child(self, child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
        """A child of this program. ``ended`` waits for it (no zombie is left) or leaves that to somebody."""

    def watch(self, process: Identity, argument: str, ended: Callable[[], None]) -> bool:
        """Any process; False, and never a call, when it has ended already. ``argument`` as in Identity."""

    def stop(self) -> None:
        """Nothing is called after this. Not to be called from ``ended``."""


def watcher(clock: Clock) -> Watcher:
    """The best this system can do."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # no such call in this Python, in this kernel, or in this sandbox
        return PatientWatcher(clock)
    return DescriptorWatcher()


class DescriptorWatcher:
    """One thread for all, by pidfd."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._stop = os.eventfd(0)
        self._epoll.register(self._stop, select.EPOLLIN)
        self._waiting: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def watch_child(self, child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
        self._add(os.pidfd_open(child.pid), ended)

    def watch(self, process: Identity, argument: str, ended: Callable[[], None]) -> bool:
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return False
        if not process.is_alive(argument):  # asked now that the id cannot change hands any more
            os.close(descriptor)
            return False
        self._add(descriptor, ended)
        return True

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            thread = self._thread
        if self._epoll.closed:
            return
        os.eventfd_write(self._stop, 1)
        if thread is not None:
            thread.join()
        with self._lock:
            for descriptor in (*self._waiting, self._stop):
                os.close(descriptor)
            self._waiting.clear()
            self._epoll.close()

    def _add(self, descriptor: int, ended: Callable[[], None]) -> None:
        with self._lock:
            if self._stopped:
                os.close(descriptor)
                return
            self._waiting[descriptor] = ended
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="exits", daemon=True)
                self._thread.start()
            self._epoll.register(descriptor, select.EPOLLIN)

    def _run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor == self._stop:
                    return
                with self._lock:
                    ended = self._waiting.pop(descriptor)
                self._epoll.unregister(descriptor)
                os.close(descriptor)
                _call(ended)


class PatientWatcher:
    """For systems without process file descriptors."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stopped = threading.Event()

    def watch_child(self, child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
        def wait() -> None:
            child.wait()
            if not self._stopped.is_set():
                _call(ended)

        threading.Thread(target=wait, name=f"exit of {child.pid}", daemon=True).start()

    def watch(self, process: Identity, argument: str, ended: Callable[[], None]) -> bool:
        if not process.is_alive(argument):
            return False

        def look() -> None:
            if self._stopped.is_set():
                return
            if process.is_alive(argument):
                self._clock.call_at(self._clock.now() + LOOK_AGAIN, look)
            else:
                _call(ended)

        self._clock.call_at(self._clock.now() + LOOK_AGAIN, look)
        return True

    def stop(self) -> None:
        self._stopped.set()


def _call(ended: Callable[[], None]) -> None:
    try:
        ended()
    except Exception:
        log.exception("what follows the end of a process failed")
