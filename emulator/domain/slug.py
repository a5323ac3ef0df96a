"""Job names as parts of file names [job-lifecycle §8]."""

from __future__ import annotations

import re
import unicodedata

_OTHER = re.compile(r"[^A-Za-z0-9_+]")


def slug(name: str) -> str:
    """Lower case, ``[a-z0-9_+-]`` only; accents are dropped, runs of anything else become one ``-``.

    Empty for a name that holds no such character at all (``"日本"``).
    """
    plain = unicodedata.normalize("NFD", name.strip()).replace("'", "")
    ascii_only = plain.encode("ascii", "ignore").decode("ascii")
    dashed = re.sub("-+", "-", _OTHER.sub("-", ascii_only))
    return dashed.removeprefix("-").removesuffix("-").lower()
