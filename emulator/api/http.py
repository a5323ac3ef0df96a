"""The shared edge of all dialects: paths, world and caller of a request, errors, CORS.

Nothing here knows a service. Dialects register their routes on the Flask app made here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from emulator.api import turns
from emulator.api.dialect import Dialect, Route
from emulator.api.edge import (
    ACTS_AS,
    Edge,
    ListenerScope,
    anonymous_caller,
    edge,
    only_world,
    scope,
    services,
)
from emulator.api.gateway import GatewayFault, asked_api, fault
from emulator.api.tidy_paths import TidyPaths
from emulator.api.url_rules import BelowConverter, MatchedRule, TailConverter
from emulator.api.watch import Watch
from emulator.api.whole_bodies import WholeBodies
from emulator.domain.errors import EmulatorError, NotFound
from emulator.domain.identity import Caller
from emulator.settings import Settings

if TYPE_CHECKING:
    from emulator.services import Services

log = logging.getLogger(__name__)

_CONTROL = "/_emulator"
_CHECKED = {"expire": 900903, "revoke": 900904, "refuse": 900901}
"""The gateway's code for what a rule does to a good token."""


def create_app(
    services: Services,
    settings: Settings,
    scopes: Mapping[str, ListenerScope],
    dialects: Iterable[Dialect],
    watch: Watch | None = None,
) -> Flask:
    """The WSGI application, with the routes of ``dialects``; the first one words errors outside any route.

    Without ``watch`` requests are not remembered, and scenarios do not strike at them.
    """
    app = Flask("emulator", static_folder=None)
    app.request_class = WholeBodies
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.url_map.converters["tail"] = TailConverter
    app.url_map.converters["below"] = BelowConverter
    app.extensions["emulator"] = Edge(services, settings, scopes, watch)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.wsgi_app = TidyPaths(app.wsgi_app)  # type: ignore[method-assign]
    by_endpoint: dict[str, tuple[Dialect, Route]] = {}
    everyone = list(dialects)
    for dialect in everyone:
        for number, route in enumerate(dialect.routes()):
            endpoint = f"{type(dialect).__name__}:{number}:{route.handler.__name__}"
            by_endpoint[endpoint] = (dialect, route)
            app.url_map.add(
                MatchedRule(route.path, endpoint=endpoint, methods=[*route.methods.split(), "OPTIONS"])
            )
            app.view_functions[endpoint] = route.handler
    _install_hooks(app, by_endpoint, everyone[0], watch)
    return app


def _install_hooks(
    app: Flask, by_endpoint: Mapping[str, tuple[Dialect, Route]], first: Dialect, watch: Watch | None
) -> None:
    def dialect() -> Dialect:
        found = by_endpoint.get(request.endpoint or "")
        return found[0] if found else first

    @app.before_request
    def _identify() -> Response | None:
        if request.method == "OPTIONS":
            return Response(status=200, content_type="application/json")  # Flask's own would be HTML
        found = by_endpoint.get(request.endpoint or "")
        route = found[1] if found else None
        if ACTS_AS in request.environ or _is_control(request.path):
            _check_sight()
            _let_in(route)
            return None
        exchanges = services().doors.exchanges
        if watch is None:
            _let_in(route)
        else:
            answer = _watched(watch, dialect(), route)
            if answer is not None:
                return answer
        _go_in(route, exchanges)
        return None

    @app.teardown_request
    def _go_out(_error: BaseException | None) -> None:
        services().doors.leave(g.pop("visit", None))

    @app.after_request
    def _cors(response: Response) -> Response:
        turns.end()
        if watch is not None:
            response = watch.answered(response)
        # [conventions §10]
        wanted = request.headers.get("Access-Control-Request-Headers")
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE, OPTIONS, HEAD"
        response.headers["Access-Control-Allow-Headers"] = (
            wanted or "authorization,Access-Control-Allow-Origin,Content-Type"
        )
        return response

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        turns.end()  # also where the connection was broken off, and there is no answer

    app.register_error_handler(EmulatorError, lambda error: dialect().error(error))
    app.register_error_handler(HTTPException, lambda error: dialect().http_error(error))
    app.register_error_handler(GatewayFault, lambda error: dialect().fault(error))

    @app.errorhandler(Exception)
    def _crash(error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return dialect().crash()


def _let_in(route: Route | None) -> None:
    """Find out who asks, where the route wants to know. Raises GatewayFault."""
    if route is None:
        return
    if not route.streams:
        request.max_content_length = edge().settings.max_request_mb * 1024 * 1024
    if not route.open:
        acts_as = request.environ.get(ACTS_AS)
        g.caller = _bearer_caller() if acts_as is None else acts_as


def _check_sight() -> None:
    """The emulator's own API tells of other worlds through the ordinary port only. Raises NotFound."""
    named = (request.view_args or {}).get("world")
    if named is not None and only_world() not in (None, named):
        raise NotFound(f"No world found with name {named[:80]}")


def _go_in(route: Route | None, exchanges: int) -> None:
    """Into the world, which may be exchanged just now: who has waited for that finds out anew who it is."""
    here = g.caller.world if "caller" in g else scope().world
    doors = services().doors
    g.visit = doors.enter(here)
    if doors.exchanges != exchanges:
        _let_in(route)


def _watched(watch: Watch, dialect: Dialect, route: Route | None) -> Response | None:
    """Let a request in, which is remembered whatever becomes of it; the answer where it goes no further.

    Scenarios speak before the gateway turns anybody away: a gateway that is down says so to everybody.
    """
    all_services, here = services(), scope().world
    all_services.world_clocks.settle(here)
    watch.begin(all_services.doors)
    refused: GatewayFault | None = None
    user = ""
    try:
        _let_in(route)
    except GatewayFault as error:
        refused = error
    finally:
        caller = g.get("caller")
        user, here = (caller.username, caller.world) if caller else (dialect.claimed_user(), here)
        watch.arrived(here, user)
    answer = watch.struck(dialect, all_services, here, user)
    if answer is None and refused is not None:
        raise refused
    if answer is None:
        turns.take(all_services, here)
    return answer


def _is_control(path: str) -> bool:
    return path == _CONTROL or path.startswith(f"{_CONTROL}/")


def _bearer_caller() -> Caller:
    """Who asks: the token's user, or the listener's default user where no credentials were sent."""
    credentials = request.headers.get("Authorization")
    if credentials is None:
        default = anonymous_caller()
        if default is None:
            raise fault(900902)
        return default
    kind, _, token = credentials.strip().partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise fault(900902)
    found = services().tokens.bearer(token.strip())
    if found is None or only_world() not in (None, found.token.world):
        raise fault(900904)
    if services().tokens.is_over(found.token):
        raise fault(900903)
    here = edge()
    if here.watch is not None:  # the check may take its time
        here.watch.arrived(found.token.world, found.token.username)
    strike = here.services.tokens.check(found.token, request.path)
    if strike is not None:
        raise fault(_CHECKED[strike.action.kind], strike.action.args.get("message", ""))
    g.token = found.token
    if found.client is not None and not found.client.may_call(asked_api()):
        raise fault(900908)
    return found.caller
