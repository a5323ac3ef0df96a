"""The project speaks of itself alone: no file names places of the machine it is worked on."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.arch.sources import CHECKOUT, inside, text_files


def test_no_file_names_a_place_of_this_machine() -> None:
    places = _places()
    pattern = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, places))})(?![\w-])")
    found = [
        f"{inside(path)}:{number}: {line.strip()[:120]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"these lines name a place of this machine ({', '.join(places)}):\n" + "\n".join(found)


def _places() -> list[str]:
    """The checkout, and what lies beside it where that is a place for work and not a system directory."""
    if len(CHECKOUT.parts) < 3:  # at the top of the tree, like /src: too common a word to look for by itself
        return sorted(str(path) for path in CHECKOUT.iterdir() if not path.name.startswith("."))
    places = [CHECKOUT]
    common = {Path.home(), Path(tempfile.gettempdir()).resolve()}
    if len(CHECKOUT.parent.parts) > 1 and CHECKOUT.parent not in common:
        places += [path for path in CHECKOUT.parent.iterdir() if not path.name.startswith(".")]
    return sorted({str(path) for path in places})
