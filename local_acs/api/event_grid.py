"""Pull delivery of the namespace topic.

Source: Azure REST API spec eventgrid/data-plane Microsoft.EventGrid 2024-06-01 (receive, acknowledge, release, reject,
renewLock, publish); azure-docs pull-delivery-overview.md.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_acs import problems, topic
from local_acs.api.answers import json_response
from local_acs.api.requests import body_of, document_of, require_shared_key, service_of
from local_acs.clock import now
from local_acs.cloud_events import BadEvent, read_events
from local_acs.problems import Problem
from local_acs.service import Service
from local_acs.topic import Delivery, Settlement

MOST_EVENTS, MOST_TOKENS = 100, 100
SHORTEST_WAIT, LONGEST_WAIT, DEFAULT_WAIT = 10, 120, 60
RELEASE_DELAYS = (0, 10, 60, 600, 3600)


async def receive(request: Request) -> Response:
    """Answers as soon as an event is available, with an empty list when the wait is over."""
    service = _authorised(request)
    _check_subscription(request, service)
    most = _whole(request, "maxEvents", 1, least=1, most=MOST_EVENTS)
    wait = _whole(request, "maxWaitTime", DEFAULT_WAIT, least=SHORTEST_WAIT, most=LONGEST_WAIT)
    await body_of(request)
    gone = asyncio.create_task(_disconnected(request))
    stopping = asyncio.create_task(service.stopping.wait())
    try:
        deliveries = await _await_events(service, most, wait, {gone, stopping})
    finally:
        gone.cancel()
        stopping.cancel()
    return Response(topic.receive_document(deliveries), media_type="application/json; charset=utf-8")


async def acknowledge(request: Request) -> Response:
    return await _settle(request, lambda session, tokens: topic.acknowledge(session, tokens, now=now()))


async def reject(request: Request) -> Response:
    return await _settle(request, lambda session, tokens: topic.reject(session, tokens, now=now()))


async def release(request: Request) -> Response:
    seconds = _whole(request, "releaseDelayInSeconds", 0, least=0, most=max(RELEASE_DELAYS))
    if seconds not in RELEASE_DELAYS:
        raise _bad_request(f"releaseDelayInSeconds must be one of {', '.join(map(str, RELEASE_DELAYS))}")
    delay = timedelta(seconds=seconds)
    return await _settle(request, lambda session, tokens: topic.release(session, tokens, delay=delay, now=now()))


async def renew(request: Request) -> Response:
    limits = service_of(request).outbox.limits
    return await _settle(request, lambda session, tokens: topic.renew(session, tokens, limits=limits, now=now()))


async def publish(request: Request) -> Response:
    service = _authorised(request)
    if request.path_params["topic"] != service.settings.topic:
        raise problems.no_such_resource()
    body = await body_of(request)
    try:
        events = read_events(body, request.headers)
    except BadEvent as error:
        raise _bad_request(str(error)) from error

    def store(session: Session) -> None:
        for event in events:
            service.outbox.event(session, event, now=now())

    await service.database.run(store)
    return json_response({})


async def _await_events(
    service: Service, most: int, wait: float, interruptions: set[asyncio.Task[None] | asyncio.Task[bool]]
) -> list[Delivery]:
    deadline = now() + timedelta(seconds=wait)
    signal = service.database.signal(topic.SIGNAL)
    while True:
        changed = signal.next()
        # An event locked for a client that has hung up would be lost to everybody for the length of its lock.
        if any(task.done() for task in interruptions):
            return []
        deliveries = await service.database.run(
            lambda session: topic.receive(session, most=most, limits=service.outbox.limits, now=now())
        )
        if deliveries or now() >= deadline:
            return deliveries
        until = await service.database.run(lambda session: topic.next_change(session, now=now()))
        pause = (min(deadline, until or deadline) - now()).total_seconds()
        arrival = asyncio.create_task(changed.wait())
        await asyncio.wait({arrival, *interruptions}, timeout=max(pause, 0.001), return_when=asyncio.FIRST_COMPLETED)
        arrival.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _settle(request: Request, settle: Callable[[Session, list[str]], Settlement]) -> Response:
    service = _authorised(request)
    _check_subscription(request, service)
    tokens = document_of(await body_of(request)).get("lockTokens")
    if not isinstance(tokens, list) or not 1 <= len(tokens) <= MOST_TOKENS:
        raise _bad_request(f"lockTokens must be a list of 1 to {MOST_TOKENS} tokens")
    texts = [token for token in tokens if isinstance(token, str)]
    if len(texts) != len(tokens):
        raise _bad_request("every lock token must be text")
    settlement = await service.database.run(lambda session: settle(session, texts))
    return json_response(topic.settlement_document(settlement))


def _authorised(request: Request) -> Service:
    service = service_of(request)
    require_shared_key(request, service.settings.event_grid_key)
    if not request.query_params.get("api-version"):
        raise problems.missing_api_version()
    return service


def _check_subscription(request: Request, service: Service) -> None:
    named = (request.path_params["topic"], request.path_params["subscription"])
    if named != (service.settings.topic, service.settings.subscription):
        raise problems.no_such_resource()


def _whole(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    with contextlib.suppress(ValueError):
        if given.isascii() and least <= (value := int(given)) <= most:
            return value
    raise _bad_request(f"{name} must be a whole number from {least} to {most}")


def _bad_request(message: str) -> Problem:
    return Problem(400, "BadRequest", message)


_SUBSCRIPTION = "/topics/{topic}/eventsubscriptions/{subscription}"
routes = [
    Route(f"{_SUBSCRIPTION}:receive", receive, methods=["POST"]),
    Route(f"{_SUBSCRIPTION}:acknowledge", acknowledge, methods=["POST"]),
    Route(f"{_SUBSCRIPTION}:release", release, methods=["POST"]),
    Route(f"{_SUBSCRIPTION}:reject", reject, methods=["POST"]),
    Route(f"{_SUBSCRIPTION}:renewLock", renew, methods=["POST"]),
    Route("/topics/{topic}:publish", publish, methods=["POST"]),
]
