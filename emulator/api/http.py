"""The shared edge of all dialects: paths, world and caller of a request, errors, CORS.

Nothing here knows a service. Dialects register their routes on the Flask app made here.
"""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Rule

from emulator.domain.errors import EmulatorError
from emulator.domain.identity import Caller, World
from emulator.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from emulator.services import Services

log = logging.getLogger(__name__)

_fixed_base: ContextVar[str | None] = ContextVar("fixed_base_url", default=None)

ACTS_AS = "emulator.acts_as"
"""Key in the environ of a request that we make ourselves: the Caller it is made as. Clients cannot set it."""

_FILES = re.compile(r"/*files/+v2/+([a-z]+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ListenerScope:
    """What a listener stands for: requests without credentials act as ``default_user`` in ``world``."""

    world: str
    default_user: str
    anonymous: bool = True
    """False: requests without credentials are refused."""
    base_url: str = ""
    """What links begin with; "": as the request came."""
    controls: bool = True
    """Whether listeners may be opened and closed through this one."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What handlers reach through :func:`edge`. ``scopes`` is keyed by listener (see server/)."""

    services: Services
    settings: Settings
    scopes: Mapping[str, ListenerScope]


class GatewayFault(Exception):
    """An answer of the API gateway that stands before the services [conventions §9.2].

    ``older`` is the code and message of the same fault in XML, where they differ from those in JSON.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        description: str = "",
        kind: str = "ams",
        older: tuple[int, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.older = older
        self.status = status
        self.code = code
        self.message = message
        self.description = description
        self.kind = kind


class Dialect(ABC):
    """What a dialect gives the edge: its routes and its way of saying that something went wrong."""

    @abstractmethod
    def routes(self) -> Iterable[Route]:
        """Its lines of the URL map."""

    @abstractmethod
    def error(self, error: EmulatorError) -> Response:
        """The answer to what a rule or service has refused."""

    @abstractmethod
    def http_error(self, error: HTTPException) -> Response:
        """The answer to what HTTP itself refuses: no such route, a wrong verb, a body too large."""

    @abstractmethod
    def fault(self, fault: GatewayFault) -> Response:
        """The answer of the gateway."""

    @abstractmethod
    def crash(self) -> Response:
        """The answer when the program has made a mistake."""


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a dialect's route table.

    ``open`` routes need no token (they check credentials of their own, or none); ``streams`` routes take
    bodies of any size.
    """

    methods: str
    path: str
    handler: Callable[..., Response]
    open: bool = False
    streams: bool = False


class TailConverter(BaseConverter):
    """The rest of the path, slashes, doubled ones too, newlines and all."""

    regex = "(?s:.*)"
    part_isolating = False


class BelowConverter(BaseConverter):
    """Nothing at all, or a slash and the rest of the path."""

    regex = "(?:/(?s:.*))?"
    part_isolating = False


def edge() -> Edge:
    """The edge of the app that serves the current request."""
    found: Edge = current_app.extensions["emulator"]
    return found


def services() -> Services:
    return edge().services


def caller() -> Caller:
    """The user the current request acts as."""
    found: Caller = g.caller
    return found


def scope() -> ListenerScope:
    """The scope of the listener that the current request came in by."""
    scopes = edge().scopes
    return scopes.get(request.environ.get("emulator.listener", "")) or next(iter(scopes.values()))


def world() -> World:
    """The world of the current request: the token's, else the listener's."""
    name = g.caller.world if "caller" in g else scope().world
    return services().accounts.world(name)


def base_url() -> str:
    """What links begin with, ending in one slash: the configured base, else as the request came [conventions §5].

    Worked out once per request: a page of a listing holds hundreds of links.
    """
    fixed = _fixed_base.get()
    if fixed is not None:
        return fixed
    if "base_url" not in g:
        g.base_url = _base_url()
    found: str = g.base_url
    return found


@contextmanager
def links_from(base: str) -> Iterator[None]:
    """Inside the block links begin with ``base``: for what is written outside any request."""
    token = _fixed_base.set(base)
    try:
        yield
    finally:
        _fixed_base.reset(token)


def _base_url() -> str:
    configured = world().base_url or scope().base_url
    if configured:
        return configured.rstrip("/") + "/"
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    host = request.headers.get("X-Forwarded-Host", request.host).split(",")[0].strip()
    return f"{scheme}://{host}/"


def create_app(
    services: Services, settings: Settings, scopes: Mapping[str, ListenerScope], dialects: Iterable[Dialect]
) -> Flask:
    """The WSGI application, with the routes of ``dialects``; the first one words errors outside any route."""
    app = Flask("emulator", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.url_map.converters["tail"] = TailConverter
    app.url_map.converters["below"] = BelowConverter
    app.extensions["emulator"] = Edge(services, settings, scopes)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.wsgi_app = _TidyPaths(app.wsgi_app)  # type: ignore[method-assign]
    by_endpoint: dict[str, tuple[Dialect, Route]] = {}
    everyone = list(dialects)
    for dialect in everyone:
        for number, route in enumerate(dialect.routes()):
            endpoint = f"{type(dialect).__name__}:{number}:{route.handler.__name__}"
            by_endpoint[endpoint] = (dialect, route)
            app.url_map.add(Rule(route.path, endpoint=endpoint, methods=[*route.methods.split(), "OPTIONS"]))
            app.view_functions[endpoint] = route.handler
    _install_hooks(app, by_endpoint, everyone[0], settings)
    return app


def _install_hooks(
    app: Flask, by_endpoint: Mapping[str, tuple[Dialect, Route]], first: Dialect, settings: Settings
) -> None:
    def dialect() -> Dialect:
        found = by_endpoint.get(request.endpoint or "")
        return found[0] if found else first

    @app.before_request
    def _identify() -> Response | None:
        if request.method == "OPTIONS":
            return Response(status=200, content_type="application/json")  # Flask's own would be HTML
        found = by_endpoint.get(request.endpoint or "")
        if found is None:
            return None
        route = found[1]
        if not route.streams:
            request.max_content_length = settings.max_request_mb * 1024 * 1024
        if not route.open:
            acts_as = request.environ.get(ACTS_AS)
            g.caller = _bearer_caller() if acts_as is None else acts_as
        return None

    @app.after_request
    def _cors(response: Response) -> Response:
        # [conventions §10]
        wanted = request.headers.get("Access-Control-Request-Headers")
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE, OPTIONS, HEAD"
        response.headers["Access-Control-Allow-Headers"] = (
            wanted or "authorization,Access-Control-Allow-Origin,Content-Type"
        )
        return response

    app.register_error_handler(EmulatorError, lambda error: dialect().error(error))
    app.register_error_handler(HTTPException, lambda error: dialect().http_error(error))
    app.register_error_handler(GatewayFault, lambda error: dialect().fault(error))

    @app.errorhandler(Exception)
    def _crash(error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return dialect().crash()


def anonymous_caller() -> Caller | None:
    """The listener's default user, for a request without credentials; None where those are refused."""
    here = scope()
    if not here.anonymous:
        return None
    return services().accounts.caller(here.world, here.default_user, authenticated=False)


def _bearer_caller() -> Caller:
    """Who asks: the token's user, or the listener's default user where no credentials were sent."""
    credentials = request.headers.get("Authorization")
    if credentials is None:
        default = anonymous_caller()
        if default is None:
            raise missing_credentials()
        return default
    kind, _, token = credentials.strip().partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise missing_credentials()
    found = services().tokens.bearer(token.strip())
    if found is None:
        raise _bad_token(900904, "Access Token Inactive")
    if services().tokens.is_over(found.token):
        raise _bad_token(900903, "Access Token Expired")
    if found.client is not None and not found.client.may_call(_api()):
        raise GatewayFault(
            403, 900908, "Resource forbidden", f"User is NOT authorized to access the Resource: /{_api()}/v2"
        )
    return found.caller


def missing_credentials() -> GatewayFault:
    """401 for a request that must carry a token and does not [conventions §9.2]."""
    return GatewayFault(
        401,
        900902,
        "Missing Credentials",
        "Required OAuth credentials not provided. Make sure your API invocation call has a header: "
        '"Authorization: Bearer ACCESS_TOKEN"',
    )


def _bad_token(older_code: int, older_message: str) -> GatewayFault:
    """401; today's gateways have one code for all of these, the older ones, which spoke XML, one for each."""
    return GatewayFault(
        401,
        900901,
        "Invalid Credentials",
        f"Access failure for API: /{_api()}/v2, version: v2. Make sure you have given the correct access token",
        older=(older_code, older_message),
    )


def _api() -> str:
    """The first part of the path: which service is asked."""
    return request.path.strip("/").split("/")[0]


class _TidyPaths:
    """Serves every route with and without trailing or doubled slashes, never by a redirect.

    Inside the path of a file, slashes mean something and are left alone [conventions §1].
    """

    def __init__(self, app: Callable[[Any, Any], Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        files = _FILES.fullmatch(path)
        if files:
            environ["PATH_INFO"] = f"/files/v2/{files[1]}{files[2]}"
        else:
            environ["PATH_INFO"] = "/" + re.sub("/{2,}", "/", path).strip("/")
        return self._app(environ, start_response)
