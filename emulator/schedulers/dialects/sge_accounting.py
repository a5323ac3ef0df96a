"""What Grid Engine's accounting (``qacct -j``) tells of jobs that have ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from emulator.domain.ports import RemoteReport, RemoteState
from emulator.schedulers.dates import calendar, iso
from emulator.schedulers.dialects.replies import plain
from emulator.schedulers.exit_record import exit_and_signal

_LIMIT = 37
"""``failed``: the qmaster enforced a limit."""
_AFTER_JOB = 100
"""``failed``: the job was ended by a signal."""
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_NEARLY = 0.9
"""A process that is refused more memory has not reached its limit quite."""
_MEMORY_SIGNALS = (6, 9, 11)


def accounts(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """By job number, the last account of each: a job that was started again has several."""
    found: dict[str, dict[str, str]] = {}
    account: dict[str, str] = {}
    for line in lines:
        if line.startswith("====="):
            account = {}
            continue
        name, _, value = line.strip().partition(" ")
        account[name] = value.strip()
        if name == "jobnumber":
            found[account[name]] = account
    return found


def ended(account: Mapping[str, str]) -> RemoteReport:
    """How the job has ended. The exit status is the shell's, above 128 for a signal."""
    failed, why = _failure(account.get("failed", ""))
    exit_code, signal = _status(account.get("exit_status", ""))
    started, end = _date(account.get("start_time", "")), _date(account.get("end_time", ""))
    word, reason = "COMPLETED" if exit_code == 0 and failed in (0, _AFTER_JOB) else "FAILED", ""
    if failed and failed != _AFTER_JOB:
        reason = why
    if started is None:
        exit_code, signal = None, 0
        word, reason = ("CANCELLED", why) if not failed else ("FAILED", why)
    elif _out_of_memory(account, exit_code, signal):
        word = "OUT_OF_MEMORY"
    elif failed == _LIMIT or (signal and _over_time(account, started, end)):
        word = "TIMEOUT"
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=exit_code,
        signal=signal,
        started=started,
        ended=end,
        reason=plain(reason),
    )


def _failure(text: str) -> tuple[int, str]:
    """``37  : qmaster enforced h_rt limit`` as its number and words."""
    number, _, why = text.partition(":")
    number = number.strip()
    return (int(number) if number.isdecimal() and len(number) < 6 else 0), why.strip()


def _status(text: str) -> tuple[int | None, int]:
    """``137 (Killed)`` as the exit code, or the signal."""
    found = re.match(r"\d{1,5}(?!\d)", text, re.ASCII)
    return exit_and_signal(int(found[0])) if found else (None, 0)


def _date(text: str) -> datetime | None:
    """``Sun Nov 22 22:20:10 2026``, or in other releases ``11/22/2026 22:20:10.123``."""
    american = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4}) (\d{2}:\d{2}:\d{2})(\.\d+)?", text.strip(), re.ASCII)
    if american:
        return iso(f"{american[3]}-{american[1]}-{american[2]}T{american[4]}{(american[5] or '')[:4]}")
    return calendar(text)


def _asked(account: Mapping[str, str], resource: str) -> str:
    """What the job asked for of a resource: ``-l h_rt=5,h_vmem=60M``; empty for none."""
    found = re.search(rf"\b{resource}=([^,\s]+)", account.get("category", ""))
    return found[1] if found else ""


def _out_of_memory(account: Mapping[str, str], exit_code: int | None, signal: int) -> bool:
    if exit_code == 0 or (exit_code is None and signal not in _MEMORY_SIGNALS):
        return False
    limit, used = _bytes(_asked(account, "h_vmem")), _bytes(account.get("maxvmem", ""))
    return bool(limit) and used >= limit * _NEARLY


def _bytes(text: str) -> float:
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,9})?)\s*([KMGT]?)B?", text.strip().upper(), re.ASCII)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0


def _over_time(account: Mapping[str, str], started: datetime | None, end: datetime | None) -> bool:
    limit = _seconds(_asked(account, "h_rt"))
    return bool(limit and started and end) and (end - started).total_seconds() >= limit  # type: ignore[operator]


def _seconds(text: str) -> int:
    """``5``, ``01:00:00``; 0 for anything else."""
    parts = text.split(":")
    if len(parts) > 3 or not all(re.fullmatch(r"\d{1,9}", part, re.ASCII) for part in parts):
        return 0
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return total
