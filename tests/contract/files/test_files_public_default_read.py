"""``files.public_default_read``: everybody may read all of a public storage system [files §10.1]."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.app import Emulator
from tests.contract.files.conftest import ADMIN, OTHER, Bench
from tests.served import served


@pytest.fixture(scope="module", params=[False, True], ids=["off", "on"])
def emulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    directory = tmp_path_factory.mktemp("emulator")
    with served(directory, public_default_read=request.param) as running:
        yield running


def test_what_lies_outside_homes(bench: Bench) -> None:
    allowed = bench.emulator.settings.public_default_read
    system = bench.system(public=True, owner=ADMIN)
    bench.put(system, "/shared/file")
    url = f"system/{system}//shared/file"
    assert bench.request("GET", f"media/{url}", OTHER).status == (200 if allowed else 403)
    assert bench.request("GET", f"listings/{url}", OTHER).status == (200 if allowed else 403)
    assert bench.request("DELETE", f"media/{url}", OTHER).status == 403
    (pem,) = bench.call("GET", f"pems/{url}?username={OTHER}", ADMIN)
    assert pem["permission"] == {"read": allowed, "write": False, "execute": False}
    # reading without a token is another matter
    assert bench.request("GET", f"download/u/system/{system}/../shared/file", None).status == 403
