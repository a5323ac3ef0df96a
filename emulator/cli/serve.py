"""``tapis-emulator serve``: run until told to stop."""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterable
from types import FrameType
from typing import TYPE_CHECKING

import click

from emulator.cli.env import Way, client_lines
from emulator.cli.options import data_path, with_settings
from emulator.settings import BadSetting, Settings

if TYPE_CHECKING:
    from emulator.domain.listener import ListenerState

_OPEN_FILES = 8192


@click.command("serve")
@with_settings
def command(settings: Settings) -> None:
    """Run the emulator in the foreground; Ctrl-C or SIGTERM stops it."""
    # what loading makes stays for good: the collector would look at it again and again, and find nothing
    gc.disable()
    # loaded here: everything the server needs, and nothing for the other commands
    from emulator.app import Emulator
    from emulator.data_directory import DataDirectory, DirectoryInUse
    from emulator.seeds.source import BadSeed
    from emulator.store import SchemaMismatch

    if sys.getfilesystemencoding() != "utf-8":  # names of files and jobs may hold any letter
        raise click.ClickException("the locale is not UTF-8; set PYTHONUTF8=1 or a locale such as C.UTF-8")
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signals = _StopSignals()
    _allow_open_files()
    directory = DataDirectory.temporary() if settings.ephemeral else DataDirectory(data_path(settings))
    emulator = Emulator(settings, directory, kill=_kill)
    try:
        emulator.start()
    except (DirectoryInUse, SchemaMismatch, BadSeed, BadSetting) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        # a file's error names the file, a socket's nothing
        what = f"use {error.filename}" if error.filename else f"serve on {settings.host}:{settings.port}"
        raise click.ClickException(f"cannot {what}: {error.strerror or error}") from error
    gc.freeze()
    gc.enable()
    try:
        directory.announce({"url": emulator.url, "pid": os.getpid()})
        click.echo(f"tapis-emulator listens on {emulator.url} (plain HTTP and TLS); data in {directory.path}")
        click.echo(f"The authority behind its certificate: {emulator.authority}")
        _tell_listeners(emulator.listeners.all())
        click.echo(f"Requests without a token act as {emulator.default_user}. Point the clients here:\n")
        click.echo(client_lines(Way(emulator.url)))
        signals.wait()
    finally:
        emulator.stop()


def _kill() -> None:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)
    os._exit(128 + signal.SIGKILL)  # a container's first process is not killed by its own signals


def _tell_listeners(states: Iterable[ListenerState]) -> None:
    """The ports beside the ordinary one, and those that could not be opened."""
    for state in states:
        listener = state.listener
        if listener.name == "default":
            continue
        where = f"at {state.url}" if state.url else f"is not open: {state.problem}"
        click.echo(f"Listener {listener.name} ({listener.user} in world {listener.world}) {where}")


def _allow_open_files() -> None:
    """A class of students needs more than the 256 that some systems begin with: some for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _StopSignals:
    """SIGTERM and SIGINT, once they are made; a second SIGINT interrupts at once.

    An event would not do: a signal that comes just before the main thread goes to sleep on a lock is noticed
    only when something else wakes it. The byte that Python's own handler writes is never missed.
    """

    def __init__(self) -> None:
        self._asked = False
        self._come, woken = socket.socketpair()
        woken.setblocking(False)
        signal.set_wakeup_fd(woken.detach())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)
        for number in (signal.SIGHUP, signal.SIGQUIT):
            # what nohup has us ignore, the jobs' scripts would ignore too; what we handle, they do not
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, lambda _number, _frame: None)

    def wait(self) -> None:
        """Return when one of them has come, be it before this call."""
        while self._come.recv(1)[0] not in (signal.SIGTERM, signal.SIGINT):
            pass

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._asked = True
