"""Content types by file name, as a web server's table of extensions gives them [files §5].

Python's own table, not the machine's: the same everywhere. The last extension decides.
"""

from __future__ import annotations

from functools import cache
from mimetypes import MimeTypes

UNKNOWN = "application/octet-stream"
DIRECTORY = "text/directory"

# What web servers say and Python does not, or says otherwise.
_OVERRIDES = {
    "text/plain": "txt text conf def list log in asc ini cfg out err slurm",
    "application/x-sh": "sh",
    "application/x-csh": "csh",
    "application/x-perl": "pl pm",
    "application/gzip": "gz tgz",
    "application/x-bzip2": "bz2 tbz2",
    "application/x-xz": "xz",
    "application/zip": "zip",
    "application/x-tar": "tar",
    "application/x-hdf": "hdf h5 hdf5",
    "application/x-netcdf": "nc cdf",
    "application/json": "json",
    "application/yaml": "yaml yml",
    "application/javascript": "js mjs",
    "application/xml": "xml xsl",
    "chemical/x-pdb": "pdb",
    "image/svg+xml": "svg svgz",
    "text/csv": "csv",
    "text/markdown": "md markdown",
    "text/tab-separated-values": "tsv",
    "text/x-c": "c cc cxx cpp h hh",
    "text/x-fortran": "f f77 f90 for",
    "text/x-java-source": "java",
    "text/x-python": "py",
}


def mime_type(name: str) -> str:
    """The type for a file's name; ``application/octet-stream`` where the name tells nothing."""
    stem, dot, extension = name.rpartition(".")
    return _table().get(extension.lower(), UNKNOWN) if stem and dot else UNKNOWN


@cache
def _table() -> dict[str, str]:
    types = MimeTypes()
    table: dict[str, str] = {}
    for strict in (False, True):
        table |= {extension.lstrip("."): kind for extension, kind in types.types_map[strict].items()}
    for kind, extensions in _OVERRIDES.items():
        table |= dict.fromkeys(extensions.split(), kind)
    return table
