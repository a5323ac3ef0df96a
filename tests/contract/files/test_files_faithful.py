"""``errors.faithful_5xx``: the service's own statuses for mistakes about files [conventions §9.3]."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.app import Emulator
from emulator.domain.system import Role
from tests.contract.files.conftest import OTHER, Bench, act
from tests.served import served


@pytest.fixture(scope="module", params=[False, True], ids=["ours", "the service's"])
def emulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("emulator"), faithful_5xx=request.param) as running:
        yield running


@pytest.fixture
def faithful(emulator: Emulator) -> bool:
    return emulator.settings.faithful_5xx


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"fileName": "x"}, "No valid URL specified"),
        ({"urlToIngest": "http://"}, "Invalid value for urlToIngest. http:// is not a valid URL."),
        ({"urlToIngest": "agave://x/y", "fileName": ".."}, "Invalid name .."),
    ],
)
def test_imports(bench: Bench, private: str, faithful: bool, body: dict[str, str], message: str) -> None:
    refused = bench.request("POST", f"media/system/{private}", body=body)
    assert refused.refusal == (500 if faithful else 400, message)


def test_what_lacks_permission(bench: Bench, faithful: bool) -> None:
    system = bench.system(roles={OTHER: Role.GUEST})
    bench.put(system, "/home/unknown")
    bench.put(system, "/home/known")
    bench.call("GET", f"listings/system/{system}/known")
    refused = bench.upload(f"system/{system}", b"1", "x", OTHER)
    assert refused.refusal == (400 if faithful else 403, "User does not have access to modify /home")
    for name, status in (("unknown", 401 if faithful else 403), ("known", 403)):
        refused = bench.request("DELETE", f"media/system/{system}/{name}", OTHER)
        assert refused.refusal == (status, f"User does not have permission to delete /home/{name}")
    body = {"urlToIngest": f"agave://{system}/known"}
    assert bench.request("POST", f"media/system/{system}", OTHER, body=body).status == 403


def test_actions_forms_and_pems(bench: Bench, private: str, faithful: bool) -> None:
    assert act(bench, private, action="fold").refusal == (
        501 if faithful else 400,
        "Action null not supported",
    )
    broken = bench.request(
        "POST",
        f"media/system/{private}",
        body=b"--x\r\nno",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert broken.refusal == (500 if faithful else 400, "Failed to parse request form")
    gone = bench.request("DELETE", f"pems/system/{private}/nope")
    assert gone.refusal == (500 if faithful else 404, "Failed to remove permissions.")
