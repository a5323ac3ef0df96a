"""What a dialect is to the edge: routes, and words for what goes wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Response
from werkzeug.exceptions import HTTPException

from emulator.api.called import Called
from emulator.api.gateway import GatewayFault
from emulator.domain.errors import EmulatorError


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

    def called(self, method: str, path: str) -> Called:
        """Which operation a request asks for."""
        return Called()

    def service_says(self, called: Called, status: int, message: str) -> Response:
        """What the service of an operation answers with a status, if no ``message`` says it."""
        return self.fault(GatewayFault(status, status, message))

    def claimed_user(self) -> str:
        """Who the request says it comes from, where the edge does not look after that; "" for nobody."""
        return ""


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
