"""What the README shows is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.shown import README, run_all
from tests.real.clients import Clients

pytestmark = pytest.mark.xdist_group("readme")


def test_every_command_of_the_readme_does_what_is_shown(clients: Clients, tmp_path: Path) -> None:
    pairs = run_all(README.read_text(encoding="utf-8"), clients, tmp_path)
    assert len(pairs) > 15
    for shown, real in pairs:
        if shown.command.startswith("import "):
            assert "predictions.txt" in real.output
        else:
            assert real.masked == shown.masked, f"$ {shown.command}"
