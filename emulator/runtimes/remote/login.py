"""One way into a real machine's scheduler, and what scripts leave behind there."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from emulator.domain.ports import Hosts, Launch, RemoteReport, Shell
from emulator.domain.work_dir import EXIT_RECORD
from emulator.schedulers.dialect import Dialect, Unclear
from emulator.schedulers.simulated import family

log = logging.getLogger(__name__)

_MARK = "--agave--"
_LINE = "="
_LONGEST = 4096
"""Bytes of a record; an honest one has a tenth of that."""
_AT_ONCE = 100
"""Scripts in one command: a command line has a greatest length."""


@dataclass(frozen=True, slots=True)
class Login:
    """A scheduler as one account sees it; ``key`` is the same for all scripts that one command can ask about."""

    hosts: Hosts
    launch: Launch
    name: str
    key: tuple[str, ...]
    dialect: Dialect

    def shell(self) -> Shell:
        """Raises ConnectionError when the host map has no machine for it any more."""
        return shell_for(self.hosts, self.launch)


def login_of(hosts: Hosts, launch: Launch) -> Login:
    """Raises ConnectionError as ``Login.shell``."""
    from emulator.schedulers.dialects import dialect_for

    address = shell_for(hosts, launch).address
    key = (launch.host.lower(), address, family(launch.scheduler), launch.startup)
    return Login(hosts, launch, address, key, dialect_for(launch.scheduler))


def shell_for(hosts: Hosts, launch: Launch) -> Shell:
    shell = hosts.host(launch.world, launch.host, launch.account).shell
    if shell is None:
        raise ConnectionError(f"the host map has no machine for {launch.host} any more")
    return shell


def exit_records(shell: Shell, launches: Iterable[Launch]) -> dict[str, RemoteReport]:
    """By job id: what the scripts that have left a record say of their own end. Raises OSError."""
    from emulator.schedulers.exit_record import parse_exit_record

    records: dict[str, RemoteReport] = {}
    waiting = list(launches)
    while waiting:
        some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
        for job_id, text in _shown(shell.run("\n".join(map(_show, some))).stdout).items():
            try:
                records[job_id] = parse_exit_record(text)
            except Unclear as unclear:  # a job may write there what it likes; the others are not to suffer
                log.warning("job %s: %s", job_id, unclear)
    return records


def _show(launch: Launch) -> str:
    path = shlex.quote(f"{launch.work_dir}/{EXIT_RECORD}")
    content = f"head -c {_LONGEST} {path} 2>/dev/null | sed 's/^/{_LINE}/'"
    return f"echo; echo {_MARK} {shlex.quote(launch.job_id)}; {content}"


def _shown(output: str) -> dict[str, str]:
    """By job id, the records that there are. No line of a record can be taken for the head of another's."""
    found: dict[str, str] = {}
    job_id = ""
    for line in output.splitlines():
        if line.startswith(f"{_MARK} "):
            job_id = line.removeprefix(f"{_MARK} ").strip()
        elif line.startswith(_LINE) and job_id:
            found[job_id] = found.get(job_id, "") + line.removeprefix(_LINE) + "\n"
    return found
