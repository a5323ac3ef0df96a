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
    from emulator.api.v2 import accounts, notifications

    return [
        # -- tenants, clients, tokens, profiles [auth] ------------------------------------------
        Route("GET", "/tenants", accounts.list_tenants, open=True),
        Route("GET", "/tenants/<tenant>", accounts.show_tenant, open=True),
        Route("GET", "/clients/v2", accounts.list_clients, open=True),
        Route("POST", "/clients/v2", accounts.create_client, open=True),
        Route("GET", "/clients/v2/<name>", accounts.show_client, open=True),
        Route("DELETE", "/clients/v2/<name>", accounts.delete_client, open=True),
        Route("GET", "/clients/v2/<name>/subscriptions", accounts.list_client_subscriptions, open=True),
        Route("POST", "/token", accounts.issue_token, open=True),
        Route("POST", "/revoke", accounts.revoke_token, open=True),
        Route("GET", "/profiles/v2", accounts.list_profiles),
        Route("GET", "/profiles/v2/<username>", accounts.show_profile),
        Route("GET", "/profiles/v2/search/<term>/<value>", accounts.search_profiles),
        # -- systems [systems §1] ----------------------------------------------------------------
        # -- apps [apps §2] ----------------------------------------------------------------------
        # -- files [files §1] --------------------------------------------------------------------
        # -- jobs [jobs §1] ----------------------------------------------------------------------
        # -- notifications [notifications §1] ----------------------------------------------------
        Route("GET", "/notifications/v2", notifications.list_notifications),
        Route("GET", "/notifications/v2/<notification>", notifications.show_notification),
        Route("DELETE", "/notifications/v2/<notification>", notifications.delete_notification),
    ]
