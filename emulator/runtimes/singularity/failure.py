"""What ends a call: said on standard error, with the exit code of the real command."""

from __future__ import annotations

import os
import sys

EXIT_CODE = 255


class Fatal(Exception):
    """The call cannot be done; the text says why."""


def warn(text: str) -> None:
    _say("WARNING", text)


def inform(text: str) -> None:
    _say("INFO", text)


def fatal(text: str) -> None:
    _say("FATAL", text)


def _say(level: str, text: str) -> None:
    if level != "FATAL" and os.environ.get("SINGULARITY_SILENT"):
        return
    print(f"{level + ':':8} {text}", file=sys.stderr, flush=True)
