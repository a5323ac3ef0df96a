"""Every URL of dialect v2, on one screen.

Trailing and doubled slashes are taken away before routing (see api/http.py), except inside the paths of
files: ``<tail:path>`` there holds everything behind the endpoint's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.api.http import Route


def routes() -> Iterable[Route]:
    """All routes; a handler module per service."""
    # imported here so that the table can be read without loading what it points at
    # (each service's section is added by the service's module)
    return [
        # -- tenants, clients, tokens, profiles [auth] ------------------------------------------
        # -- systems [systems §1] ----------------------------------------------------------------
        # -- apps [apps §2] ----------------------------------------------------------------------
        # -- files [files §1] --------------------------------------------------------------------
        # -- jobs [jobs §1] ----------------------------------------------------------------------
        # -- notifications [notifications §1] ----------------------------------------------------
    ]
