"""Grid Engine [wrapper-templates §7, §7.1].

qstat knows the living. What has left it is looked up with qacct, which on many sites shows a job only seconds or
minutes after its end: until then such a job is missing from the standings, and the script's own record
(``exit_record.py``) is the quicker witness. Whoever asks therefore reads the record of a missing job first, and
takes a job that has neither for lost only after some patience; the other way round, when qacct has answered, its
word counts, since a limit or an administrator leaves no record.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from xml.etree import ElementTree

from emulator.domain.paths import basename
from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.domain.work_dir import scheduler_name
from emulator.schedulers.dates import iso
from emulator.schedulers.dialect import Standing, Unclear
from emulator.schedulers.dialects.replies import (
    chosen,
    ended_by_request,
    framed,
    lines,
    own_id,
    plain,
    quoted,
    submission,
)
from emulator.schedulers.dialects.sge_accounting import accounts, ended

DOWN = (
    r"unable to (?:send message to|contact) qmaster|can't connect|cannot connect|got send error|commlib error"
    r"|unable to initialize environment|communication error|no connection to qmaster|failed receiving gdi request"
)
_GONE = r"do(?:es)? not exist|not found|has deleted job|has registered"
_RUNNING = re.compile(r"[rtsSTR]+")
"""What is suspended stays running."""
_DELETED = re.compile(r"d.*")
_ERROR = re.compile(r".*E.*")

_STATUS = """\
living=$(qstat -u "$(id -un)" -xml) || {{ echo '@failed'; exit 0; }}
echo '@living'
printf '%s\\n' "$living" | tr '\\n' ' '
echo
case $living in *'<state>'*E*'</state>'*)
  qstat -j {ids} 2>/dev/null | sed -n -e 's/^job_number: */@number|/p' -e 's/^error reason[^:]*: */@error|/p' ;;
esac
for id in {each}; do
  case $living in *"<JB_job_number>$id</JB_job_number>"*) ;; *)
    echo "@past|$id"
    qacct -j "$id" 2>/dev/null
    echo '@end' ;;
  esac
done"""

_FIND = """\
{own_id}
known=$(qstat -j {name} 2>&1) || case $known in
  *'do not exist'* | *'does not exist'*) known= ;;
  *) printf '%s\\n' "$known"; echo '@failed' ;;
esac
printf '%s\\n' "$known" | sed -n -e 's/^job_number: */@number|/p' -e 's/^owner: */@owner|/p' \\
  -e 's/^sge_o_workdir: */@place|/p' -e 's/^cwd: */@place|/p'
echo "@me|$(id -un)" """


class GridEngine:
    """See ``Dialect``."""

    def submit(self, launch: Launch) -> str:
        return f"qsub {shlex.quote(basename(launch.script))}"

    def submitted(self, reply: Completed) -> str:
        return submission(reply, r"Your job(?:-array)? (\d+)(?:\.\S+)? \(.*\) has been submitted\.?", DOWN)

    def find(self, launch: Launch) -> str:
        """Only what has not ended, and what has left a record: accounting does not know directories."""
        name = shlex.quote(scheduler_name(launch.name))
        return framed(_FIND.format(own_id=own_id(launch), name=name))

    def found(self, reply: Completed, launch: Launch) -> str | None:
        answer = lines(reply, DOWN)
        return chosen([*answer, *_own_jobs(answer)], launch)

    def status(self, ids: Iterable[str]) -> str:
        asked = list(ids)
        return framed(_STATUS.format(ids=quoted(asked, ","), each=quoted(asked)))

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        answer = lines(reply, DOWN)
        asked = set(ids)
        known = _past(answer, asked)
        complaints = _complaints(answer)
        for job in _living(answer):
            job_id = job.get("JB_job_number", "")
            if job_id in asked:
                standing = _standing(job, complaints.get(job_id, ""))
                if standing:
                    known[job_id] = standing
        return known

    def cancel(self, remote_job_id: str) -> str:
        return f"qdel {shlex.quote(remote_job_id)}"

    def cancelled(self, reply: Completed) -> bool:
        return ended_by_request(Completed(reply.code, "", f"{reply.stdout}\n{reply.stderr}"), _GONE, DOWN)


def _living(answer: list[str]) -> Iterator[dict[str, str]]:
    """The jobs of qstat's XML. Raises Unclear when that is none."""
    place = answer.index("@living") if "@living" in answer else -1
    text = next((line for line in answer[place + 1 :] if "<" in line), "") if place >= 0 else ""
    start = text.find("<?xml")
    try:
        tree = ElementTree.fromstring(text[start:].strip() if start >= 0 else text.strip())
    except (ElementTree.ParseError, ValueError) as error:
        raise Unclear(f"qstat's answer is no XML: {error}: {plain(text)}") from error
    for job in tree.iter("job_list"):
        yield {child.tag: (child.text or "").strip() for child in job}


def _standing(job: Mapping[str, str], complaint: str) -> Standing | None:
    state = job.get("state", "")
    if _ERROR.fullmatch(state):
        report = RemoteReport(state=RemoteState.ENDED, scheduler_state=state, reason=plain(complaint))
        return Standing(report, hopeless=True)
    if _RUNNING.fullmatch(state) or (_DELETED.fullmatch(state) and "r" in state):
        return Standing(RemoteReport(state=RemoteState.RUNNING, started=_start(job)))
    if "w" in state or _DELETED.fullmatch(state):
        return Standing(RemoteReport(state=RemoteState.QUEUED, reason="held" if "h" in state else ""))
    return None


def _start(job: Mapping[str, str]) -> datetime | None:
    return iso(job.get("JAT_start_time", ""))


def _complaints(answer: list[str]) -> dict[str, str]:
    """By job, why it is in an error state."""
    found: dict[str, str] = {}
    job_id = ""
    for line in answer:
        mark, _, value = line.partition("|")
        if mark == "@number":
            job_id = value.strip()
        elif mark == "@error" and job_id:
            found.setdefault(job_id, value)
    return found


def _past(answer: list[str], asked: set[str]) -> dict[str, Standing]:
    """What qacct tells of those that qstat does not know."""
    known: dict[str, Standing] = {}
    job_id, told = "", list[str]()
    for line in answer:
        if line.startswith("@past|"):
            job_id, told = line.partition("|")[2], []
        elif line == "@end":
            account = accounts(told).get(job_id)
            if account and job_id in asked:
                known[job_id] = Standing(ended(account))
            job_id = ""
        elif job_id:
            told.append(line)
    return known


def _own_jobs(answer: list[str]) -> Iterator[str]:
    """Rows for :func:`chosen` of the account's jobs."""
    me = next((line.partition("|")[2] for line in answer if line.startswith("@me|")), "")
    job_id = owner = ""
    for line in answer:
        mark, _, value = line.partition("|")
        if mark == "@number":
            job_id, owner = value.strip(), ""
        elif mark == "@owner":
            owner = value.strip()
        elif mark == "@place" and owner == me:
            yield f"@found|{job_id}|{value}"
