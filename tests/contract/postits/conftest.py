"""Files that postits stand for, and a clock that can be moved."""

from __future__ import annotations

import pytest
import requests

from emulator.app import Emulator
from tests.contract.accounts.signing_in import Later, clock_of
from tests.served import Api

TEXT = b"0123456789" * 10
MEDIA = "files/v2/media/system/tacc.corral"
FILE = f"{MEDIA}//home/student01/a%20b.txt"


@pytest.fixture(scope="module", autouse=True)
def file(student: Api) -> str:
    """The path of a file of student01's that nobody else may read."""
    student.call("GET", "files/v2/listings/system/tacc.corral//home/student01")  # makes the home
    files = {"fileToUpload": ("a b.txt", TEXT)}
    student.call("POST", f"{MEDIA}//home/student01", files=files)
    return FILE


@pytest.fixture
def nobody(emulator: Emulator) -> requests.Session:
    """A browser: no token, no default user's rights."""
    session = requests.Session()
    session.trust_env = False
    return session


@pytest.fixture
def later(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Moves the emulator's clock ahead until the test ends."""
    return clock_of(emulator, monkeypatch)
