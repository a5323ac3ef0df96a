"""The ``singularity`` of :mod:`emulator.runtimes.singularity` as one file that any Python from 3.9 on runs."""

from __future__ import annotations

import io
import sys
from pathlib import Path

NAMES = ("singularity", "apptainer")
"""What the file is called: it is put at each of these."""

_PACKAGE = Path(__file__).parent / "singularity"
_LONGEST_INTERPRETER = 120  # of the first line of a script, which the kernel reads
_MAIN = "from emulator.runtimes.singularity.command import main\nmain()\n"
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is made


def singularity_file(interpreter: str = "/usr/bin/env python3") -> bytes:
    """The content of the command, to be written to an executable file of one of :data:`NAMES`.

    ``interpreter`` is what runs it; a longer path than the kernel reads is left to PATH.
    """
    sources = {
        str(Path("emulator/runtimes/singularity") / path.relative_to(_PACKAGE)): path.read_text(
            encoding="utf-8"
        )
        for path in sorted(_PACKAGE.rglob("*.py"))
    }
    sources |= {"emulator/__init__.py": "", "emulator/runtimes/__init__.py": "", "__main__.py": _MAIN}
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(sources.items()):
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), text, zipfile.ZIP_STORED)
    if len(interpreter) > _LONGEST_INTERPRETER:
        interpreter = "/usr/bin/env python3"
    return f"#!{interpreter}\n".encode() + content.getvalue()


def own_interpreter() -> str:
    """The Python that runs us, kept apart from what a job's environment says about Python."""
    own = sys.executable
    return f"{own} -I" if own and " " not in own else "/usr/bin/env python3"


def install(directory: Path, interpreter: str = "/usr/bin/env python3") -> list[Path]:
    """Write the command under all its names into a directory; the answer is the files."""
    content, made = singularity_file(interpreter), []
    for name in NAMES:
        part = directory / f".{name}"
        part.write_bytes(content)
        part.chmod(0o755)
        made.append(part.replace(directory / name))
    return made
