"""From template to script [wrapper-templates §1, §4-§6]; what is generated runs in a plain POSIX shell."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.domain.app import AppInput, AppParameter
from emulator.domain.inputs import input_sources
from emulator.domain.job import Job
from emulator.domain.macros import attribute_macros, callback_macros, resolve_macros, startup_macros
from emulator.domain.system import AuthShape, LoginConfig, System
from emulator.domain.wrapper import (
    DEFAULT_BLACKLIST,
    WrapperContext,
    blacklisted_commands,
    neutralise,
    render_script,
    substitute,
)
from tests.job_samples import APP, sample_job
from tests.unit.test_slug import system

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
BASE = "http://localhost:8000"
LIST = blacklisted_commands("default")


def job_with(
    parameters: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    modules: tuple[str, ...] = (),
    declared: tuple[AppParameter, ...] | None = None,
    declared_inputs: tuple[AppInput, ...] | None = None,
    **plan: Any,
) -> Job:
    given, files = parameters or {}, inputs or {}
    app = replace(
        APP,
        modules=modules,
        parameters=declared or tuple(AppParameter(id=key, max_cardinality=-1) for key in given),
        inputs=declared_inputs or tuple(AppInput(id=key, max_cardinality=-1) for key in files),
    )
    sources = tuple(input_sources(files, ()))
    return sample_job(1, {"app": app, "parameters": given, "inputs": files, "sources": sources} | plan)


def script(
    template: str, job: Job | None = None, where: System | None = None, work_dir: str = "/w", **changes: Any
) -> str:
    return render_script(
        WrapperContext(
            template=template,
            header="#!/bin/sh",
            job=job or job_with(),
            system=where or system(),
            work_dir=work_dir,
            base_url=BASE,
            **changes,
        )
    )


def run(text: str, directory: Path, shell: str) -> subprocess.CompletedProcess[bytes]:
    path = directory / "job.ipcexe"
    path.write_bytes(text.encode())
    return subprocess.run([shell, str(path)], capture_output=True, cwd="/", timeout=60)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_blocks_stand_in_the_services_order() -> None:
    where = system(environment="DATA=/data\r\nexport MODE=test")
    text = script("#!/bin/bash\necho hello\n", job_with(modules=("purge", "load python3")), where)
    marks = [
        "#!/bin/sh\n",
        "\ncd /w",
        "\nagave_datetime_iso()",
        "\nagave_log_response()",
        "\nmodule purge\nmodule load python3\n",
        "\nDATA=/data\nexport MODE=test\n",
        "\n# Begin App Wrapper Template Logic\n#!/bin/bash\necho hello\n",
        "\n# End App Wrapper Template Logic\n",
    ]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "\r" not in text


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("true", 0),
        ("false\n", 1),
        ("exit 3", 3),
        ("set -e\nfalse\ntrue", 1),
        ("(exit 7)\n\n# a comment at the end", 7),
        ("", 0),
        ("# nothing but a comment", 0),
        ("echo joined \\", 0),
        ("cat <<END\nx\nEND", 0),
        ("trap 'exit 9' EXIT\ntrue", 9),
        ("exec sh -c 'exit 4'", 4),
    ],
)
def test_the_script_ends_with_the_templates_exit_code(
    template: str, code: int, tmp_path: Path, shell: str
) -> None:
    assert run(script(template, work_dir=str(tmp_path)), tmp_path, shell).returncode == code


def test_a_failing_environment_does_not_count(tmp_path: Path, shell: str) -> None:
    where = system(environment="false")
    assert run(script("", where=where, work_dir=str(tmp_path)), tmp_path, shell).returncode == 0


def test_it_runs_in_the_work_directory_and_logs_there(tmp_path: Path, shell: str) -> None:
    work = tmp_path / "it's a $HOME `dir`"
    work.mkdir()
    ended = run(script('pwd\nagave_log_response "%s" two  words', work_dir=str(work)), tmp_path, shell)
    assert ended.stdout.decode() == f"{work}\n"
    assert ended.stderr == b""
    line = (work / ".agave.log").read_text()
    assert line.startswith("[2") and line.endswith("] %s two words\n")


def test_without_its_work_directory_nothing_is_run(tmp_path: Path, shell: str) -> None:
    ended = run(script("echo ran", work_dir=str(tmp_path / "gone")), tmp_path, shell)
    assert (ended.returncode, ended.stdout) == (1, b"")


def test_windows_line_ends_of_the_template_go_and_those_of_values_stay(tmp_path: Path, shell: str) -> None:
    job = job_with({"text": "a\r\nb"})
    text = script("printf '%s' '${text}'\r\nexit 0\r\n", job, work_dir=str(tmp_path))
    assert run(text, tmp_path, shell).stdout == b"a\r\nb"


values = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60)


@given(values, values)
def test_values_stand_in_the_script_exactly_as_they_were_submitted(one: str, other: str) -> None:
    arguments = [("one", one), ("Other", other)]
    made = substitute("<${one}|${OTHER}|${oNe}|$one|${unknown}>", arguments, {"AGAVE_JOB_ID": "x"})
    assert made == f"<{one}|{other}|{one}|$one|${{unknown}}>"


@given(values.filter(lambda text: "END_OF_VALUE" not in text))
@settings(max_examples=30, deadline=None)
def test_values_reach_the_shell_exactly(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    directory = tmp_path_factory.mktemp("value")
    template = "cat <<'END_OF_VALUE'\n${value}\nEND_OF_VALUE\n"
    text = script(template, job_with({"value": value}), work_dir=str(directory))
    assert run(text, directory, SHELLS[0]).stdout.decode() == value + "\n"


@pytest.mark.parametrize(
    "value", ["${other}", "${AGAVE_JOB_ID}", "${data}", r"\1 \g<0> $0", "$$", "a'b\"c\\"]
)
def test_nothing_in_a_value_is_searched_for_macros(value: str) -> None:
    job = job_with({"value": value, "other": "OTHER"}, {"data": "x/file.txt"})
    assert f"\n<{value}>\n" in script("<${value}>", job)


def test_parameters_come_before_inputs_and_macros() -> None:
    job = job_with({"same": "parameter", "AGAVE_JOB_ID": "mine"}, {"same": "x/input"})
    assert "\nparameter mine\n" in script("${same} ${agave_job_id}", job)


def test_ids_are_taken_literally() -> None:
    job = job_with({"a.b": "dot", "c|d": "bar", "(e": "bracket"})
    assert "\ndot ${aXb} bar bracket ${c}\n" in script("${a.b} ${aXb} ${c|d} ${(e} ${c}", job)


def test_arguments_inside_other_expansions_are_found() -> None:
    assert "\n${x:-value}\n" in script("${x:-${p}}", job_with({"p": "value"}))


def test_inputs_become_the_names_of_staged_files() -> None:
    declared = (
        AppInput(
            id="data",
            enquote=True,
            argument="-i ",
            show_argument=True,
            repeat_argument=True,
            max_cardinality=-1,
        ),
        AppInput(id="absent", default="never"),
    )
    job = job_with(
        inputs={"data": ["agave://s//a/b%20c.txt", "http://h/d.txt?x=1"]}, declared_inputs=declared
    )
    assert '\nrun -i "b c.txt" -i "d.txt" end\n' in script("run ${data} ${absent}end", job)


def test_every_attribute_macro_has_a_value() -> None:
    job = job_with()
    macros = attribute_macros(job, "/w", BASE)
    made = script("\n".join(f"<{name}={value}>" for name, value in ((n, f"${{{n}}}") for n in macros)), job)
    lines = dict(line[1:-1].split("=", 1) for line in made.splitlines() if line.startswith("<"))
    archive_path = f"testuser/archive/jobs/job-{job.id}"
    assert lines == {
        "AGAVE_JOB_NAME": "classify-1",
        "IPLANT_JOB_NAME": "classify-1",
        "AGAVE_JOB_NAME_RAW": "classify 1",
        "AGAVE_JOB_ID": job.id,
        "AGAVE_JOB_APP_ID": "pearc19-classifier-0.1.0",
        "AGAVE_JOB_EXECUTION_SYSTEM": "tacc.stampede2.testuser",
        "AGAVE_JOB_BATCH_QUEUE": "normal",
        "AGAVE_JOB_BATCH_QUEUE_EFFECTIVE_NAME": "normal",
        "AGAVE_JOB_SUBMIT_TIME": "2026-11-20T12:01:00.000Z",
        "AGAVE_JOB_ARCHIVE": "1",
        "AGAVE_JOB_ARCHIVE_SYSTEM": "tacc.corral.testuser",
        "AGAVE_JOB_ARCHIVE_PATH": archive_path,
        "AGAVE_JOB_ARCHIVE_URL": f"{BASE}/files/v2/media/system/tacc.corral.testuser/{archive_path}",
        "AGAVE_JOB_NODE_COUNT": "1",
        "AGAVE_JOB_PROCESSORS_PER_NODE": "1",
        "AGAVE_JOB_MEMORY_PER_NODE": "1",
        "IPLANT_CORES_REQUESTED": "1",
        "AGAVE_JOB_MAX_RUNTIME": "01:00:00",
        "AGAVE_JOB_MAX_RUNTIME_SECONDS": "3600",
        "AGAVE_JOB_MAX_RUNTIME_MILLISECONDS": "3600000",
        "AGAVE_JOB_WORK_PATH": "/w",
        "AGAVE_JOB_OWNER": "testuser",
        "AGAVE_JOB_TENANT": "tacc.prod",
        "AGAVE_BASE_URL": f"{BASE}/",
    }


def test_what_a_job_does_not_have_is_empty() -> None:
    macros = attribute_macros(job_with(archive=False, archive_system=None, queue=None), "/w", BASE)
    empty = {name for name, value in macros.items() if value == ""}
    assert empty == {
        "AGAVE_JOB_ARCHIVE",
        "AGAVE_JOB_ARCHIVE_SYSTEM",
        "AGAVE_JOB_ARCHIVE_URL",
        "AGAVE_JOB_BATCH_QUEUE",
        "AGAVE_JOB_BATCH_QUEUE_EFFECTIVE_NAME",
    }


def test_macros_are_case_sensitive_and_resolved_in_the_environment_too() -> None:
    where = system(environment="export WHO=${AGAVE_JOB_OWNER}")
    text = script("${agave_job_owner}", where=where)
    assert "\nexport WHO=testuser\n" in text
    assert "\n${agave_job_owner}\n" in text


@pytest.mark.parametrize(
    "template",
    [
        "${AGAVE_JOB_CALLBACK_FAILURE}\nexit",
        "if true; then ${AGAVE_JOB_CALLBACK_FAILURE}; exit; fi",
        "false || ${IPLANT_FAILURE}",
    ],
)
def test_a_failure_callback_leaves_its_mark(template: str, tmp_path: Path, shell: str) -> None:
    assert run(script(template, work_dir=str(tmp_path)), tmp_path, shell).returncode == 0
    assert (tmp_path / ".agave.failure").exists()
    assert (tmp_path / ".agave.log").read_text().endswith("] FAILURE\n")


def test_a_failure_callback_that_is_not_reached_leaves_none(tmp_path: Path, shell: str) -> None:
    run(script("true || ${AGAVE_JOB_CALLBACK_FAILURE}", work_dir=str(tmp_path)), tmp_path, shell)
    assert not (tmp_path / ".agave.failure").exists()


def test_other_callbacks_are_lines_in_the_log(tmp_path: Path, shell: str) -> None:
    template = (
        "set -u\nNAME='two words'\n${AGAVE_JOB_CALLBACK_ALIVE}\n${IPLANT_SUCCESS}\n"
        "${AGAVE_JOB_CALLBACK_NOTIFICATION|NAME,UNSET}\n${AGAVE_JOB_CALLBACK_NOTIFICATION|MY_EVENT|NAME}\n"
        "${AGAVE_JOB_CALLBACK_PENDING}\n"
    )
    ended = run(script(template, work_dir=str(tmp_path)), tmp_path, shell)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert [line.partition("] ")[2] for line in (tmp_path / ".agave.log").read_text().splitlines()] == [
        "AGAVE_JOB_CALLBACK_ALIVE",
        "IPLANT_SUCCESS",
        "NOTIFICATION JOB_RUNTIME_CALLBACK_EVENT NAME=two words UNSET=",
        "NOTIFICATION MY_EVENT NAME=two words",
    ]


def test_failed_is_no_callback() -> None:
    assert "IPLANT_FAILED" not in callback_macros("/w")
    assert callback_macros("/w")["AGAVE_JOB_CALLBACK_BLOCKED"] == ""


def test_public_systems_do_not_run_the_commands_of_the_list() -> None:
    template = "sudo rm -rf x\ntips 5%\nils /zone; echo pseudo code\n/usr/bin/passwd x"
    assert template in script(template, where=system(), blacklist=LIST)
    text = script(template, where=system(public=True), blacklist=LIST)
    assert (
        "\necho 'Invalid Command sudo' rm -rf x\ntips 5%\necho 'Invalid Command ils' /zone; echo pseudo code\n"
    ) in text
    assert "sudo rm" in script(template, where=system(public=True))


def test_also_in_values_the_commands_are_neutralised() -> None:
    text = script("${command}", job_with({"command": "sudo ls"}), system(public=True), blacklist=LIST)
    assert "\necho 'Invalid Command sudo' ls\n" in text


@pytest.mark.parametrize("command", LIST)
def test_every_listed_command_is_found(command: str) -> None:
    assert neutralise(f"x; {command} y", LIST) == f"x; echo 'Invalid Command {command}' y"
    assert neutralise(f"my{command} y", LIST) == f"my{command} y"


def test_the_list_is_a_setting() -> None:
    assert tuple(DEFAULT_BLACKLIST.split()) == LIST
    assert blacklisted_commands("rm  dd") == ("rm", "dd")
    assert blacklisted_commands("") == ()


def test_startup_scripts_have_macros_of_their_own() -> None:
    where = system(
        scratch_dir="/scratch",
        login=LoginConfig(host="login", port=22, protocol="SSH", auth=AuthShape(type="PASSWORD")),
    )
    macros = startup_macros(job_with(), where, "/w", BASE)
    text = resolve_macros(
        "/home/${USERNAME}/${SYSTEM_ID}/${SYSTEM_LOGIN_HOST}:${SYSTEM_LOGIN_PORT}/${SYSTEM_STORAGE_ZONE}"
        "${AGAVE_JOB_WORK_PATH}/${HOME}",
        macros,
    )
    assert text == "/home/testuser/cluster/login:22//w/${HOME}"
    assert macros["SYSTEM_LOGIN_AUTH_TYPE"] == "PASSWORD"
    assert macros["SYSTEM_ROOT_DIR"] == macros["SYSTEM_STORAGE_ROOTDIR"] == "/"
