"""The Starlette application: every surface of the service under one address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from local_acs import faults, problems
from local_acs.api import calling, content, event_grid, legacy_2021, local
from local_acs.api.answers import answer_crash, answer_http_exception, answer_problem, problem_response
from local_acs.clock import now
from local_acs.problems import Problem
from local_acs.service import Service


class Unavailability:
    """Answers 503 while a service-unavailable fault is armed; the management surface is never affected."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] == "http" and not path.startswith("/local/"):
            struck = await self._service.faults.strike(faults.SERVICE_UNAVAILABLE, path, now=now())
            if struck is not None:
                response = problem_response(path, problems.unavailable())
                if "retryAfter" in struck:
                    MutableHeaders(raw=response.raw_headers)["Retry-After"] = str(struck["retryAfter"])
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def create_app(service: Service) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.close()

    app = Starlette(
        routes=[*calling.routes, *legacy_2021.routes, *content.routes, *event_grid.routes, *local.routes],
        middleware=[Middleware(Unavailability, service=service)],
        exception_handlers={
            Problem: answer_problem,
            HTTPException: answer_http_exception,
            Exception: answer_crash,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app
