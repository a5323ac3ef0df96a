"""From an app's wrapper template to the script of a job [wrapper-templates §1, §4, §5]."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from emulator.domain.job import Job
from emulator.domain.macros import (
    NOTIFICATION,
    attribute_macros,
    callback_macros,
    notification_text,
    resolve_macros,
)
from emulator.domain.parameters import render_parameter, render_values
from emulator.domain.system import System
from emulator.domain.work_dir import LOG

BEGIN = "# Begin App Wrapper Template Logic"
END = "# End App Wrapper Template Logic"
DEFAULT_BLACKLIST = (
    "passwd sudo iadmin icp iexit iinit imeta iphybun iqdel ireg irule ixmsg ibun idbug ifsck ilocate "
    "imiscsvrinfo iphymv iqmod irepl iscan icd ienv ils imkdir ips iqstat irm isysmeta ichksum ierror "
    "igetwild.sh ilsresc imv iput iquest irmtrash itrim ichmod iexecmd ihelp imcoll ipasswd ipwd iquota "
    "irsync iuserinfo"
)
"""Commands that public execution systems of the service do not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapperContext:
    """What a script is made from.

    ``template`` is the text of the app's wrapper, ``header`` the scheduler's part with the shebang,
    ``work_dir`` the absolute path on the machine, ``blacklist`` the commands to neutralise on public systems,
    ``exit_record`` shell text by which the script itself notes how it ends, ``elsewhere`` the variable that names
    the directory where it runs instead, should its work directory not be on that machine.
    """

    template: str
    header: str
    job: Job
    system: System
    work_dir: str
    base_url: str
    blacklist: tuple[str, ...] = ()
    exit_record: str = ""
    elsewhere: str = ""


def render_script(context: WrapperContext) -> str:
    """The job's script. What is generated around the template is plain POSIX shell.

    The script ends with the exit code of the template. Values of inputs, parameters and macros stand in it
    as they are, replaced once: nothing in them is searched for macros again.
    """
    plan = context.job.plan
    attributes = attribute_macros(context.job, context.work_dir, context.base_url)
    macros = attributes | callback_macros(context.work_dir)
    modules = "\n".join(f"module {unix_lines(entry)}" for entry in plan.app.modules)
    environment = unix_lines(context.system.environment or "").strip("\n")
    template = substitute(unix_lines(context.template), argument_texts(context.job), macros)
    if context.system.public:
        template = neutralise(template, context.blacklist)
    blocks = [
        context.header.rstrip("\n"),
        _preamble(context.work_dir, context.elsewhere),
        context.exit_record,
        resolve_macros(modules, macros),
        resolve_macros(environment, macros),
        # a script of its own starts with $? = 0, so does the template
        f":\n{BEGIN}\n{template}\n{END}\nAGAVE_EXIT_CODE=$?\nexit $AGAVE_EXIT_CODE",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def unix_lines(text: str) -> str:
    """Line ends of Windows would become part of every command's last argument."""
    return text.replace("\r\n", "\n")


def argument_texts(job: Job) -> list[tuple[str, str]]:
    """(id, text) of every declared parameter, then of every input; empty where nothing was given."""
    plan = job.plan
    texts = [(one.id, render_parameter(one, plan.parameters.get(one.id))) for one in plan.app.parameters]
    for declared in plan.app.inputs:
        names = [source.name for source in plan.sources if source.input_id == declared.id]
        texts.append((declared.id, render_values(declared, names)))
    return texts


def substitute(template: str, arguments: Iterable[tuple[str, str]], macros: dict[str, str]) -> str:
    """The template with ``${id}`` (any case) and ``${MACRO}`` (as written) replaced, each once.

    An earlier argument wins over a later one of the same id, arguments win over macros. ``${…}`` of anything
    else is left to the shell.
    """
    arguments = list(arguments)
    patterns = [rf"\$\{{(?i:{re.escape(argument_id)})\}}" for argument_id, _ in arguments]
    patterns += [NOTIFICATION.pattern, _any_of(tuple(macros))]

    def replacement(match: re.Match[str]) -> str:
        number = (match.lastindex or 0) - 1
        if number < len(arguments):
            return arguments[number][1]
        inner = match[0][2:-1]
        return macros[inner] if inner in macros else notification_text(inner.partition("|")[2])

    return re.sub("|".join(f"({pattern})" for pattern in patterns), replacement, template)


@cache
def _any_of(names: tuple[str, ...]) -> str:
    """The macros are the same for all jobs."""
    return rf"\$\{{(?:{'|'.join(map(re.escape, names))})\}}"


def blacklisted_commands(setting: str) -> tuple[str, ...]:
    """The commands of ``jobs.command_blacklist``: ``default``, or names with spaces between, or none."""
    return tuple((DEFAULT_BLACKLIST if setting.strip() == "default" else setting).split())


def neutralise(text: str, commands: Iterable[str]) -> str:
    """Every ``<command> `` of the list turned into a message [wrapper-templates §5]."""
    listed = "|".join(re.escape(command) for command in sorted(commands, key=len, reverse=True))
    if not listed:
        return text
    return re.sub(rf"(?<![\w-])({listed}) ", r"echo 'Invalid Command \1' ", text)


def _preamble(work_dir: str, elsewhere: str) -> str:
    """Into the work directory, and the log that wrappers may write to."""
    place, log = shlex.quote(work_dir), shlex.quote(f"{work_dir}/{LOG}")
    lines = [f"cd {place} || exit 1", f"AGAVE_LOG_FILE={log}"]
    if elsewhere:
        lines = [
            f"AGAVE_WORK_DIR={place}",
            f'[ -z "${{{elsewhere}-}}" ] || AGAVE_WORK_DIR=${elsewhere}',
            'cd "$AGAVE_WORK_DIR" || exit 1',
            f'AGAVE_LOG_FILE="$AGAVE_WORK_DIR/{LOG}"',
        ]
    return "\n".join(
        [
            *lines,
            "agave_datetime_iso() {",
            "  date '+%Y-%m-%dT%H:%M:%S%z'",
            "}",
            "agave_log_response() {",
            '  printf \'[%s] %s\\n\' "$(agave_datetime_iso)" "$*" >> "$AGAVE_LOG_FILE"',
            "}",
        ]
    )
