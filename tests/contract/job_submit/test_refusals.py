"""What a submission is refused for: status and words, and nothing left behind [jobs §2, §3]."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.domain.app import AppInput, AppParameter
from emulator.domain.file import Permission
from emulator.domain.states import JobState
from emulator.domain.system import Role, SystemStatus, SystemType
from tests.contract.job_submit.conftest import (
    APP_ID,
    CLUSTER,
    OTHER_STORAGE,
    OWNER,
    STORAGE,
    WORLD,
    Desk,
)

pytestmark = pytest.mark.sample(2)

MEMORY = "Invalid memoryPerNode. memoryPerNode should be a postive value specified in ###.#[EPTGM]B format."
NODES = "Invalid nodeCount. If specified, nodeCount must be a positive integer value."
PROCESSORS = "Invalid processorsPerNode value. processorsPerNode must be a positive integer value."
TIME = "Invalid maxRunTime. maxRunTime should be the maximum run time for this job in hh:mm:ss format."
UNIQUE_ID = (
    "Invalid appId. Please specify an app using its unique id. The unique id is defined by the app name and "
    "version separated by a hyphen. eg. example-1.0"
)


# -- the body ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No content found. Please send your request"),
        ("  \n", "No content found. Please send your request"),
        ("{}", "No content found. Please send your request"),
        ("{", "Invalid JSON found. "),
        ("[]", "Invalid JSON found. "),
        ('"text"', "Invalid JSON found. "),
        ('{"name": NaN}', "Invalid JSON found. "),
        (r'{"name": "\ud800", "appId": "classify-1.0"}', "Invalid JSON found. "),
        ("[" * 100_000, "Invalid JSON found. "),
    ],
)
def test_what_is_no_json_object(desk: Desk, text: str, message: str) -> None:
    status, told = desk.refused_body(None, data=text, content_type="application/json")
    assert (status, told.startswith(message)) == (400, True), told


def test_a_form_is_no_submission(desk: Desk) -> None:
    status, message = desk.refused_body(None, data={"name": "x", "appId": APP_ID})
    assert (status, message.startswith("Unsupported content type.")) == (400, True)


def test_an_empty_upload_is_an_empty_body(desk: Desk) -> None:
    from io import BytesIO

    status, message = desk.refused_body(None, data={"fileToUpload": (BytesIO(b""), "job.json")})
    assert (status, message.startswith("No content found.")) == (400, True)


def test_a_body_of_11_megabytes_is_refused(desk: Desk) -> None:
    response = desk.post({"name": "x" * 11_000_000, "appId": APP_ID})
    assert response.status_code == 413
    assert response.json["status"] == "error"


# -- fields --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "executionSystem",
        "jobName",
        "parameter",
        "softwareName",
        "queue",
        "maxMemory",
        "requestedTime",
        "processorCount",
        "processors",
        "executionHost",
        "callbackUrl",
        "callbackURL",
        "internalUsername",
        "anything",
        "batchqueue",
    ],
)
def test_names_that_a_request_does_not_have(desk: Desk, name: str) -> None:
    assert desk.refused(**{name: "x"}) == (400, f'Unrecognized field "{name}" in job request.')


def test_dependencies_have_words_of_their_own(desk: Desk) -> None:
    assert desk.refused(dependencies=[]) == (400, "Job dependencies are not yet supported.")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": None}, "Job name cannot be empty."),
        ({"name": ""}, "Job name cannot be empty."),
        ({"name": "   "}, "Job name cannot be empty."),
        ({"name": {}}, "Job name cannot be empty."),
        ({"name": "x" * 65}, "Job name must be less than 64 characters."),
        ({"appId": None}, "appId cannot be empty"),
        ({"appId": ""}, "appId cannot be empty"),
        ({"appId": ["x-1"]}, "appId cannot be empty"),
        ({"appId": "x" * 79 + "-1"}, "appId must be less than 80 characters"),
        ({"appId": "classify"}, UNIQUE_ID),
        ({"appId": "classify-"}, UNIQUE_ID),
        ({"appId": "none-1.0"}, f"No app found matching none-1.0 for {OWNER}"),
        ({"batchQueue": "x" * 256}, "batchQueue must be less than 255 characters."),
        ({"batchQueue": 5}, "Invalid batchQueue value. batchQueue must be a string."),
        (
            {"batchQueue": "gpu"},
            f"Invalid batchQueue. No batch queue named gpu is defined on system {CLUSTER}",
        ),
        *[({"nodeCount": value}, NODES) for value in (0, -1, 1.5, "two", True, [], 2**31, 10**400)],
        *[({"processorsPerNode": value}, PROCESSORS) for value in (0, "x", 2**31)],
        ({"processorsOnEachNode": 0}, PROCESSORS),
        *[
            ({"memoryPerNode": value}, MEMORY)
            for value in ("-1GB", "1 XB", "GB", -1, True, {}, "1" * 33, 1e308)
        ],
        *[({"maxRunTime": value}, TIME) for value in ("1h", "00:60:00", "1:00", 60, "10000:00:00")],
        ({"archive": "yes"}, "Invalid archive value."),
        ({"archive": 1}, "Invalid archive value."),
        ({"archiveOnAppError": "x"}, "Invalid archiveOnAppError value."),
        ({"archiveSystem": "x" * 65}, "archiveSystem must be less than 64 characters."),
        ({"archiveSystem": {}}, "Invalid archiveSystem value. archiveSystem must be a string."),
        ({"archivePath": "x" * 256}, "archivePath must be less than 255 characters."),
        ({"archivePath": 5}, "Invalid archivePath value. archivePath must be a string."),
        ({"inputs": []}, "Invalid inputs value. inputs must be a JSON object of ids and their values."),
        ({"inputs": {"picture": "x" * 16384}}, "inputs must be less than 16384 characters."),
        (
            {"parameters": "x"},
            "Invalid parameters value. parameters must be a JSON object of ids and their values.",
        ),
        ({"parameters": {"count": "x" * 16384}}, "parameters must be less than 16384 characters."),
    ],
)
def test_fields(desk: Desk, fields: dict[str, Any], message: str) -> None:
    assert desk.refused(**fields) == (400, message)


@pytest.mark.parametrize("missing", ["name", "appId"])
def test_required_fields(desk: Desk, missing: str) -> None:
    body = {"name": "x", "appId": APP_ID}
    del body[missing]
    status, message = desk.refused_body(body)
    assert (status, missing.lower() in message.lower()) == (400, True)


def test_the_first_failing_check_is_told(desk: Desk) -> None:
    """name, app, execution system, resources, inputs, parameters, archive, notifications."""
    wrong: dict[str, Any] = {
        "name": "",
        "appId": "none-1.0",
        "batchQueue": "gpu",
        "nodeCount": 0,
        "memoryPerNode": "x",
        "processorsPerNode": 0,
        "maxRunTime": "x",
        "inputs": {"nothing": "x"},
        "parameters": {"nothing": "x"},
        "archive": "x",
        "archiveSystem": "none",
        "archivePath": "../../../x",
        "notifications": [{}],
    }
    told = []
    for name in list(wrong):
        told.append(desk.refused_body(wrong)[1])
        if name == "name":
            wrong["name"] = "My job"
        elif name == "appId":
            wrong["appId"] = APP_ID
        else:
            del wrong[name]
    assert told == [
        "Job name cannot be empty.",
        f"No app found matching none-1.0 for {OWNER}",
        f"Invalid batchQueue. No batch queue named gpu is defined on system {CLUSTER}",
        NODES,
        MEMORY,
        PROCESSORS,
        TIME,
        "Unrecognized input nothing.",
        "Unrecognized parameter nothing.",
        "Invalid archive value.",
        f"No storage system found matching none for {OWNER}",
        "User does not have permission to access the provided archive path ../../../x",
        "Invalid notifications[0] value given. Each notification object should specify a valid url, event, and "
        "an optional boolean persistence attribute.",
    ]
    assert desk.post(wrong).status_code == 201


# -- app and execution system --------------------------------------------------------------------


def test_an_app_must_be_granted(desk: Desk) -> None:
    refusal = (403, f"Permission denied. You do not have permission to use the requeste app, {APP_ID}")
    assert desk.refused("student01") == refusal
    desk.grant_app("student01", Permission(read=True, write=True))
    assert desk.refused("student01") == refusal


def test_the_execution_system_needs_a_role(desk: Desk) -> None:
    desk.grant_app("student01", Permission(read=True, execute=True))
    desk.grant_role(CLUSTER, "student01", Role.GUEST)
    assert desk.refused("student01") == (
        403,
        f"Permission denied. You do not have permission to run jobs on the execution system {CLUSTER}",
    )


def test_an_app_must_be_available(desk: Desk) -> None:
    desk.change_app(available=False)
    assert desk.refused() == (400, "App is not available for execution")


def test_an_app_without_its_template_is_not_available(desk: Desk) -> None:
    desk.change_app(template_path="gone.sh")
    status, message = desk.refused()
    assert (status, message) == (400, "App is not available for execution")


def test_an_app_on_a_system_that_is_gone_is_not_available(desk: Desk) -> None:
    desk.change_app(execution_system="erased")
    assert desk.refused() == (400, "App is not available for execution")


def test_a_system_that_is_down_is_waited_for(desk: Desk) -> None:
    desk.change_system(CLUSTER, status=SystemStatus.DOWN)
    desk.change_system(STORAGE, status=SystemStatus.MAINTENANCE)
    assert desk.submitted().status is JobState.PENDING
    desk.change_system(CLUSTER, available=False)
    assert desk.submitted().status is JobState.PENDING


def test_storage_that_is_disabled_is_waited_for(desk: Desk) -> None:
    desk.write(STORAGE, "in.png")
    desk.change_app(inputs=(AppInput(id="picture"),))
    desk.change_system(STORAGE, available=False)  # holds the app, too
    image = f"agave://{STORAGE}/in.png"
    job = desk.submitted(archive=True, archiveSystem=STORAGE, inputs={"picture": image})
    assert (job.status, job.plan.archive_system) == (JobState.PENDING, STORAGE)
    desk.grant_app("student01", Permission(read=True, execute=True))
    desk.grant_role(CLUSTER, "student01", Role.USER)
    assert desk.refused("student01", archive=True, archiveSystem=STORAGE) == (
        400,
        f"No storage system found matching {STORAGE} for student01",
    )
    assert desk.refused("student01", archive=False, inputs={"picture": image})[0] == 403


# -- resources -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"maxRunTime": "100:00:00"}, ("1 nodes", "0.000000", "1 processors", "100:00:00")),
        ({"nodeCount": 9}, ("9 nodes", "0.000000", "1 processors", "00:00:00")),
        ({"memoryPerNode": "65"}, ("1 nodes", "65.000000", "1 processors", "00:00:00")),
        ({"processorsOnEachNode": 33}, ("1 nodes", "0.000000", "33 processors", "00:00:00")),
        (
            {"batchQueue": "normal", "nodeCount": 2, "processorsPerNode": 33},
            ("2 nodes", "0.000000", "17 processors", "00:00:00"),
        ),
    ],
)
def test_more_than_any_queue_holds(desk: Desk, fields: dict[str, Any], asked: tuple[str, ...]) -> None:
    nodes, memory, processors, time = asked
    assert desk.refused(**fields) == (
        400,
        f"No queue found on execution system {CLUSTER} to support jobs requiring {nodes} with {memory} memmory "
        f"and {processors} per node, and a max run time of {time}.",
    )


def test_an_apps_queue_that_the_system_no_longer_has(desk: Desk) -> None:
    desk.change_app(default_queue="gone")
    assert desk.refused() == (
        400,
        f'No queue matching the default queue, "gone," specified by the requested app {APP_ID}, is not defined on '
        f"the execution system {CLUSTER}",
    )


# -- inputs and parameters -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "missing.png",
        "../../../etc/passwd.png",
        "agave://none/a.png",
        f"agave://{OTHER_STORAGE}/a.png",
        "a\x00.png",
        "x" * 300 + ".png",
        "http://localhost/jobs/v2/none-007/outputs/media/a.png",
        f"http://localhost/files/v2/media/system/{STORAGE}/missing.png",
    ],
)
def test_inputs_that_cannot_be_reached(desk: Desk, uri: str) -> None:
    assert desk.refused(inputs={"picture": uri}) == (
        403,
        f"You do not have permission to access this the input file or directory at {uri}",
    )


def test_outputs_of_somebody_elses_job(desk: Desk) -> None:
    job = desk.submitted()
    desk.grant_app("student01", Permission(read=True, execute=True))
    desk.grant_role(CLUSTER, "student01", Role.USER)
    desk.grant_role(STORAGE, "student01", Role.USER)
    desk.change_app(inputs=(desk_input(desk),))
    uri = f"http://localhost/jobs/v2/{job.id}/outputs/media/a.png"
    fields = {"archiveSystem": STORAGE, "inputs": {"picture": uri}}
    status, _ = desk.refused("student01", **fields)
    assert status == 403
    from emulator.domain.job import JobGrant

    with desk.store.write() as tx:
        tx.jobs.set_grant(JobGrant(job_id=job.id, username="student01", permission="READ"))
    assert desk.submitted("student01", **fields).owner == "student01"


def desk_input(desk: Desk) -> Any:
    with desk.store.read() as tx:
        app = tx.apps.get(WORLD, APP_ID)
    assert app is not None
    return app.inputs[0]


def test_values_are_checked_against_the_app(desk: Desk) -> None:
    desk.write(STORAGE, "a.gif")
    assert desk.refused(inputs={"picture": "a.gif"})[1].startswith("Invalid input value, a.gif, for picture.")
    assert desk.refused(inputs={"model": "x"})[1].startswith(
        "Invalid value for model. model is a fixed value"
    )
    assert desk.refused(inputs={"picture": "ftp://h/a.png"})[1].startswith(
        "Invalid value for picture. URI with"
    )
    assert desk.refused(parameters={"count": "many"}) == (
        400,
        "Invalid parameter value for count. Value 'many' must be a number.",
    )
    assert desk.refused(parameters={"mode": "slow"})[1].startswith(
        "Invalid parameter value for mode. mode is a"
    )
    desk.change_app(parameters=(AppParameter(id="count", required=True, min_cardinality=1),))
    assert desk.refused() == (400, "No input parameter specified for count")


# -- archive -------------------------------------------------------------------------------------


@pytest.mark.parametrize("system_id", ["none", CLUSTER, OTHER_STORAGE])
@pytest.mark.parametrize("archive", [True, False])
def test_the_archive_system_must_be_storage_that_the_user_sees(
    desk: Desk, system_id: str, archive: bool
) -> None:
    assert desk.refused(archiveSystem=system_id, archive=archive) == (
        400,
        f"No storage system found matching {system_id} for {OWNER}",
    )


def test_without_any_storage_system_nothing_can_be_archived(desk: Desk) -> None:
    desk.change_app(inputs=())
    with desk.store.write() as tx:
        tx.systems.set_user_default(WORLD, OWNER, SystemType.STORAGE, None)
    assert desk.refused() == (
        400,
        "Invalid archiveSystem. No archiveSystem was provided and you have no public or private default storage "
        "system configured. Please specify a valid system id for archiveSystem or configure a default storage "
        "system.",
    )


def test_the_archive_path_must_be_writable(desk: Desk) -> None:
    desk.grant_role(OTHER_STORAGE, OWNER, Role.GUEST)
    assert desk.refused(archiveSystem=OTHER_STORAGE, archivePath="out/${JOB_NAME}") == (
        403,
        "User does not have permission to access the provided archive path out/my-job",
    )


@pytest.mark.parametrize("path", ["../../..", "/../x", "a/../../../../x"])
def test_the_archive_path_stays_below_the_root(desk: Desk, path: str) -> None:
    assert desk.refused(archivePath=path) == (
        403,
        f"User does not have permission to access the provided archive path {path}",
    )


def test_the_archive_path_is_no_file(desk: Desk) -> None:
    desk.write(STORAGE, "/home/mao/file.txt")
    assert desk.refused(archivePath="file.txt") == (400, "Archive path is not a folder")
    assert desk.refused(archivePath="file.txt/below") == (
        400,
        "Unable to create job archive directory file.txt/below",
    )
    long = "y" * 250
    assert desk.submitted(archivePath=long).plan.archive_path == long


# -- notifications -------------------------------------------------------------------------------


def test_notifications_are_checked_last_and_all_of_them(desk: Desk) -> None:
    good = {"url": "mao@localhost", "event": "*"}
    assert desk.refused(notifications=[good, {"url": "nowhere", "event": "*"}]) == (
        400,
        "Invalid callback url value, nowhere. Valid callback urls may be an email address, phone number, web url, "
        "or agave url.",
    )
    status, message = desk.refused(notifications=good)
    assert (status, message.startswith("Invalid notification value given.")) == (400, True)


def test_an_expired_or_unknown_token_is_no_submission(desk: Desk) -> None:
    response = desk.post({"name": "x", "appId": APP_ID}, user="nobody")
    assert response.status_code == 401
    assert response.json["fault"]["message"] == "Invalid Credentials"
    assert desk.rows() == (0, 0, 0)
