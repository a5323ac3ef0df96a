"""Profiles: the users of a tenant [auth §6]."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import (
    AGAVE_CLI,
    AGAVEPY,
    IMPLEMENTED,
    NOT_IMPLEMENTED,
    TAPIS_CLI,
    Difference,
    Operation,
)

NO_INTERNAL_USERS = Difference(
    "Internal users are not provided.", "They are deprecated, and no client of the course's kind uses them."
)

OPERATIONS = (
    Operation(
        "profiles.list",
        "GET",
        "/profiles/v2",
        "List users, or find them by name, e-mail or username",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "profiles.get",
        "GET",
        "/profiles/v2/me",
        "Show the caller's profile",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "profiles.listByUsername",
        "GET",
        "/profiles/v2/{username}",
        "Show a user's profile",
        IMPLEMENTED,
        clients=(TAPIS_CLI, AGAVEPY, AGAVE_CLI),
    ),
    Operation(
        "profiles.search",
        "GET",
        "/profiles/v2/search/{term}/{value}",
        "Find users by one term",
        IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(
            Difference(
                "An unknown term is 400; the service answers 500.",
                "It is the client's mistake; errors.faithful_5xx brings the service's status back.",
            ),
        ),
    ),
    Operation(
        "profiles.create",
        "POST",
        "/profiles/v2",
        "Create a user",
        IMPLEMENTED,
        clients=(AGAVEPY,),
    ),
    Operation(
        "profiles.update",
        "PUT",
        "/profiles/v2/{username}",
        "Change a user",
        IMPLEMENTED,
        clients=(AGAVEPY,),
    ),
    Operation(
        "profiles.delete",
        "DELETE",
        "/profiles/v2/{username}",
        "Delete a user",
        IMPLEMENTED,
        clients=(AGAVEPY,),
    ),
    Operation(
        "profiles.listInternalUsers",
        "GET",
        "/profiles/v2/{apiUsername}/users",
        "List a user's internal users",
        IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(Difference("Always empty.", "Internal users are deprecated; there are none."),),
    ),
    Operation(
        "profiles.addInternalUser",
        "POST",
        "/profiles/v2/{apiUsername}/users",
        "Create an internal user",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_INTERNAL_USERS,),
    ),
    Operation(
        "profiles.deleteInternalUsers",
        "DELETE",
        "/profiles/v2/{apiUsername}/users",
        "Delete all internal users",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_INTERNAL_USERS,),
    ),
    Operation(
        "profiles.getInternalUser",
        "GET",
        "/profiles/v2/{apiUsername}/users/{internalUsername}",
        "Show an internal user",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_INTERNAL_USERS,),
    ),
    Operation(
        "profiles.updateInternalUser",
        "POST",
        "/profiles/v2/{apiUsername}/users/{internalUsername}",
        "Change an internal user",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_INTERNAL_USERS,),
    ),
    Operation(
        "profiles.deleteInternalUser",
        "DELETE",
        "/profiles/v2/{apiUsername}/users/{internalUsername}",
        "Delete an internal user",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_INTERNAL_USERS,),
    ),
    Operation(
        "profiles.searchInternalUsers",
        "GET",
        "/profiles/v2/{username}/users/search/{term}/{value}",
        "Find internal users by one term",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_INTERNAL_USERS,),
    ),
)
