"""Seeds and snapshots of worlds on their way between this machine and the server: as tar."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from emulator.testing.errors import speaks_for_itself

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from emulator.testing.server import Server

__tracebackhide__ = speaks_for_itself


def grow(
    server: Server, path: str, seed: str | Path | None, beside: Path | None, fields: Mapping[str, Any]
) -> Any:
    """Ask for a world, made from a seed of this machine, from a built-in one by its name, or from the ordinary one.

    Raises Refused, FileNotFoundError.
    """
    wanted = {name: value for name, value in fields.items() if value is not None}
    place = None if seed is None else (beside or Path.cwd()) / seed
    if seed is None or place is None or (isinstance(seed, str) and not place.exists()):
        return server.control("POST", path, wanted if seed is None else wanted | {"seed": seed})
    query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in wanted.items()}
    # rules for apps do not fit into a query
    simulations = wanted["simulated"] if isinstance(wanted.get("simulated"), Mapping) else {}
    if simulations:
        del query["simulated"]
    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
            _pack(place, tar)
        size = packed.tell()
        packed.seek(0)
        headers = {"Content-Type": "application/gzip", "Content-Length": str(size)}
        document = server.control("POST", path, body=packed, headers=headers, query=query)
    for app, simulation in simulations.items():
        server.control("PUT", f"worlds/{document['name']}/simulations/{app}", simulation)
    return document


def unpacked(response: BaseHTTPResponse, folder: Path) -> Path:
    """Write the answer's tar into a new folder. Raises FileExistsError."""
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=cast(BinaryIO, response), mode="r|gz") as tar:
        tar.extractall(folder, filter="data")
    response.release_conn()
    return folder


def _pack(place: Path, tar: tarfile.TarFile) -> None:
    """What is in the folder, or the file alone. Raises FileNotFoundError."""
    if place.is_dir():
        for each in sorted(place.iterdir()):
            tar.add(each, each.name)
    else:
        tar.add(place, place.name)
