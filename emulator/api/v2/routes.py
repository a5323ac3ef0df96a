"""Every URL of dialect v2, on one screen.

Trailing and doubled slashes are taken away before routing (see api/http.py), except inside the paths of
files: ``<below:path>`` there holds everything behind the endpoint's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.api.http import Route


def routes() -> Iterable[Route]:
    """All routes; a handler module per service."""
    # imported here so that the table can be read without loading what it points at
    # (each service's section is added by the service's module)
    from emulator.api.v2 import (
        accounts,
        apps,
        file_pems,
        files,
        job_outputs,
        job_pems,
        job_search,
        jobs,
        jobs_submit,
        notifications,
        systems,
    )

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
        Route("GET", "/systems/v2", systems.list_systems),
        Route("POST", "/systems/v2", systems.register_system),
        Route("PUT DELETE", "/systems/v2", systems.missing_id),
        Route("GET", "/systems/v2/<system>", systems.show_system),
        Route("POST", "/systems/v2/<system>", systems.update_system),
        Route("PUT", "/systems/v2/<system>", systems.act_on_system),
        Route("DELETE", "/systems/v2/<system>", systems.delete_system),
        Route("GET", "/systems/v2/<system>/history", systems.list_system_history),
        Route("GET", "/systems/v2/<system>/history/<event>", systems.show_system_event),
        Route("GET", "/systems/v2/<system>/queues", systems.list_queues),
        Route("POST", "/systems/v2/<system>/queues", systems.save_queue),
        Route("GET", "/systems/v2/<system>/queues/<queue>", systems.show_queue),
        Route("POST", "/systems/v2/<system>/queues/<queue>", systems.save_queue),
        Route("DELETE", "/systems/v2/<system>/queues/<queue>", systems.delete_queue),
        Route("GET", "/systems/v2/<system>/roles", systems.list_roles),
        Route("POST", "/systems/v2/<system>/roles", systems.grant_role),
        Route("DELETE", "/systems/v2/<system>/roles", systems.clear_roles),
        Route("GET", "/systems/v2/<system>/roles/<username>", systems.show_role),
        Route("POST", "/systems/v2/<system>/roles/<username>", systems.grant_role),
        Route("DELETE", "/systems/v2/<system>/roles/<username>", systems.revoke_role),
        # -- apps [apps §2] ----------------------------------------------------------------------
        Route("GET", "/apps/v2", apps.list_apps),
        Route("POST", "/apps/v2", apps.register_app),
        Route("GET", "/apps/v2/<any(name, tag, ontology, system):term>/<value>", apps.search_apps),
        Route("GET", "/apps/v2/<app>", apps.show_app),
        Route("POST", "/apps/v2/<app>", apps.update_app),
        Route("PUT", "/apps/v2/<app>", apps.act_on_app),
        Route("DELETE", "/apps/v2/<app>", apps.delete_app),
        Route("GET", "/apps/v2/<app>/history", apps.list_app_history),
        Route("GET", "/apps/v2/<app>/history/<event>", apps.show_app_event),
        Route("GET", "/apps/v2/<app>/pems", apps.list_app_pems),
        Route("POST", "/apps/v2/<app>/pems", apps.grant_app_pem),
        Route("DELETE", "/apps/v2/<app>/pems", apps.clear_app_pems),
        Route("GET", "/apps/v2/<app>/pems/<username>", apps.show_app_pem),
        Route("POST", "/apps/v2/<app>/pems/<username>", apps.grant_app_pem),
        Route("DELETE", "/apps/v2/<app>/pems/<username>", apps.revoke_app_pem),
        # -- files [files §1] --------------------------------------------------------------------
        Route("GET", "/files/v2/listings<below:path>", files.list_files),
        Route("GET HEAD", "/files/v2/media<below:path>", files.download),
        Route("POST", "/files/v2/media<below:path>", files.upload, streams=True),
        Route("PUT", "/files/v2/media<below:path>", files.act),
        Route("DELETE", "/files/v2/media<below:path>", files.delete),
        Route("GET", "/files/v2/history<below:path>", files.list_history),
        Route("GET", "/files/v2/pems<below:path>", file_pems.list_pems),
        Route("POST", "/files/v2/pems<below:path>", file_pems.change_pems),
        Route("DELETE", "/files/v2/pems<below:path>", file_pems.clear_pems),
        # -- jobs [jobs §1] ----------------------------------------------------------------------
        Route("GET", "/jobs/v2", jobs.list_jobs),
        Route("POST", "/jobs/v2", jobs_submit.submit_job),
        Route("GET", "/jobs/v2/<job_id>", jobs.show_job),
        Route("POST", "/jobs/v2/<job_id>", jobs.act),
        Route("DELETE", "/jobs/v2/<job_id>", jobs.delete_job),
        Route("POST", "/jobs/v2/<job_id>/cancel", jobs.cancel_job),
        Route("POST", "/jobs/v2/<job_id>/kill", jobs.cancel_job),
        Route("POST", "/jobs/v2/<job_id>/stop", jobs.cancel_job),
        Route("POST", "/jobs/v2/<job_id>/hide", jobs.hide_job),
        Route("POST", "/jobs/v2/<job_id>/unhide", jobs.unhide_job),
        Route("POST", "/jobs/v2/<job_id>/resubmit", jobs.resubmit_job),
        Route("GET", "/jobs/v2/<job_id>/status", jobs.show_status),
        Route("GET", "/jobs/v2/<job_id>/history", jobs.list_history),
        Route("GET", "/jobs/v2/<job_id>/pems", job_pems.list_pems),
        Route("POST", "/jobs/v2/<job_id>/pems", job_pems.grant),
        Route("DELETE", "/jobs/v2/<job_id>/pems", job_pems.revoke_all),
        Route("GET", "/jobs/v2/<job_id>/pems/<username>", job_pems.show_pem),
        Route("POST", "/jobs/v2/<job_id>/pems/<username>", job_pems.grant_to),
        Route("DELETE", "/jobs/v2/<job_id>/pems/<username>", job_pems.revoke_from),
        # agavepy asks for ouputs; both spellings are the same to us
        Route("GET", "/jobs/v2/<job_id>/outputs/listings", job_outputs.list_outputs),
        Route("GET", "/jobs/v2/<job_id>/ouputs/listings", job_outputs.list_outputs),
        Route("GET", "/jobs/v2/<job_id>/outputs/listings/<tail:path>", job_outputs.list_outputs),
        Route("GET", "/jobs/v2/<job_id>/ouputs/listings/<tail:path>", job_outputs.list_outputs),
        Route("GET", "/jobs/v2/<job_id>/outputs/media", job_outputs.download_output),
        Route("GET", "/jobs/v2/<job_id>/ouputs/media", job_outputs.download_output),
        Route("GET", "/jobs/v2/<job_id>/outputs/media/<tail:path>", job_outputs.download_output),
        Route("GET", "/jobs/v2/<job_id>/ouputs/media/<tail:path>", job_outputs.download_output),
        Route("GET", "/jobs/v2/search/<tail:terms>", job_search.search_by_path),
        Route("GET POST PUT DELETE", "/jobs/v2/trigger/<tail:path>", job_search.removed),
        Route("GET", "/jobs/v2/<attribute>/<value>", job_search.search_by_alias),
        # -- notifications [notifications §1] ----------------------------------------------------
        Route("GET", "/notifications/v2", notifications.list_notifications),
        Route("GET", "/notifications/v2/<notification>", notifications.show_notification),
        Route("DELETE", "/notifications/v2/<notification>", notifications.delete_notification),
    ]
