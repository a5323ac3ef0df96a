"""``python -m tests.live.campaign [--workers N] [-k EXPRESSION [--write]]``: run it, print the report.

A run of the whole campaign writes docs/campaign.md, whatever it says; a part of it only prints, unless told
otherwise: then the page says of all the rest that it was not run.
"""

from __future__ import annotations

import argparse
import sys

import pytest

from tests.live.campaign.report import PAGE, Report

FOLDERS = ("tests/live/faults", "tests/live/backends")


def main() -> int:
    """The exit code is pytest's own."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.campaign", description=__doc__)
    parser.add_argument("--workers", default="2", help="processes that run tests (2)")
    parser.add_argument("-k", dest="expression", default="", help="only these, as pytest chooses them")
    parser.add_argument("--write", action="store_true", help="write the page of a part, too")
    chosen = parser.parse_args()
    report = Report(FOLDERS)
    arguments = [*FOLDERS, "-m", "", "-q", "-n", chosen.workers, "--dist", "loadgroup"]
    if chosen.expression:
        arguments += ["-k", chosen.expression]
    code = pytest.main(arguments, plugins=[report])
    page = report.page()
    print(page)
    if chosen.write or not chosen.expression:
        PAGE.write_text(page, encoding="utf-8")
        print(f"written to {PAGE}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
