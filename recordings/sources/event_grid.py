"""Pull delivery from a namespace topic of Azure Event Grid.

Source: azure-docs, event-grid/pull-delivery-overview.md and the data plane's REST reference, api-version 2024-06-01:
receive locks events for a while, acknowledge removes them, release gives them back. What is not acknowledged comes
again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from django.conf import settings

from recordings import clock
from recordings.acs import errors
from recordings.acs.fields import Fields
from recordings.acs.http import Door, Response
from recordings.acs.signing import host_of
from recordings.models import Condition, EventSource

KIND = "event_grid"
API_VERSION = "2024-06-01"
MOST_EVENTS = 100
SHORTEST_WAIT, LONGEST_WAIT = 10, 120
"""Seconds that the service lets a receive wait for events."""
_ANSWER_SECONDS = 10
"""On top of the wait."""
_NO_LOCK = "CgMKATE="


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """One event, locked for us until it is acknowledged, released, or the lock runs out."""

    lock_token: str
    delivery_count: int
    event: object


def address() -> str:
    """The place that the settings name; empty when they name none."""
    if not settings.EVENT_GRID_ENDPOINT:
        return ""
    topic, subscription = quote(settings.EVENT_GRID_TOPIC, safe=""), quote(settings.EVENT_GRID_SUBSCRIPTION, safe="")
    return f"{settings.EVENT_GRID_ENDPOINT.rstrip('/')}/topics/{topic}/eventsubscriptions/{subscription}"


class EventGridSource:
    """One subscription to pull from. Every method raises a subclass of `errors.AcsError` when it gets no proper answer.

    A failed pull shows as a condition of the resource until one succeeds.
    """

    def __init__(self, source: EventSource) -> None:
        self._source = source
        self._door = Door(hosts=(host_of(source.address),), authorise=_authorise)

    def pull(self, *, max_events: int = MOST_EVENTS, wait: int = SHORTEST_WAIT) -> list[Pulled]:
        """Up to `max_events` events, as soon as there are any; none after `wait` seconds without."""
        if self._source.address != address():
            raise errors.CredentialsRefused(
                f"The settings no longer hold the key of {self._source.address}. Nothing is pulled from there."
            )
        try:
            pulled = self._receive(max_events, wait)
        except errors.AcsError as error:
            self._failed(error)
            raise
        self._succeeded()
        return pulled

    def acknowledge(self, lock_tokens: Sequence[str]) -> list[str]:
        """Removes events for good. Returns the tokens that had run out: those events come again, which is harmless."""
        return self._settle("acknowledge", lock_tokens)

    def release(self, lock_tokens: Sequence[str]) -> list[str]:
        """Gives events back at once, for another attempt; returns the tokens that had run out."""
        return self._settle("release", lock_tokens)

    def probe(self) -> None:
        """Raises what is wrong with address or key. Takes no event: it renews a lock that nobody holds.

        The service names such a lock as failed, or calls it malformed; either proves that it knows us and the place.
        """
        try:
            self._post("renewLock?", body={"lockTokens": [_NO_LOCK]})
        except errors.Refused as refusal:
            if refusal.http_status != HTTPStatus.BAD_REQUEST:
                raise

    def _receive(self, max_events: int, wait: int) -> list[Pulled]:
        wait = min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)
        try:
            document = self._post(
                f"receive?maxEvents={max_events}&maxWaitTime={wait}&", seconds=wait + _ANSWER_SECONDS
            ).json_object()
        except errors.BadAnswer:
            if max_events == 1:
                raise
            # Many large events together may be more than an answer may hold; one by one they fit.
            return self._receive(1, wait)
        return [_pulled(entry) for entry in Fields(document).list_of("value")]

    def _settle(self, action: str, lock_tokens: Sequence[str]) -> list[str]:
        tokens = [token for token in lock_tokens if token]
        if not tokens:
            return []
        answer = self._post(f"{action}?", body={"lockTokens": tokens})
        failed = Fields(answer.json_object()).list_of("failedLockTokens")
        return [entry.label("lockToken", most=2_000) for entry in failed]

    def _post(self, action: str, *, body: dict[str, object] | None = None, seconds: float = 5.0) -> Response:
        return self._door.send(
            "POST",
            f"{self._source.address}:{action}api-version={API_VERSION}",
            body=b"" if body is None else json.dumps(body).encode(),
            headers={"Accept": "application/json", "Content-Type": "application/json"},
            seconds=seconds,
        )

    def _succeeded(self) -> None:
        EventSource.objects.filter(pk=self._source.pk).update(last_pull_at=clock.now(), last_error="")
        failing = Condition.objects.open().filter(kind=Condition.Kind.SOURCE_FAILING, resource=self._source.resource_id)
        if failing.exists():
            Condition.objects.clear(Condition.Kind.SOURCE_FAILING, resource=self._source.resource)

    def _failed(self, error: errors.AcsError) -> None:
        EventSource.objects.filter(pk=self._source.pk).update(last_error=error.message, last_error_at=clock.now())
        Condition.objects.report(Condition.Kind.SOURCE_FAILING, resource=self._source.resource, detail=error.message)


def _pulled(entry: Fields) -> Pulled:
    broker = entry.inner("brokerProperties")
    return Pulled(
        lock_token=broker.label("lockToken", most=2_000),
        delivery_count=broker.whole("deliveryCount", most=1_000_000) or 1,
        event=entry.raw("event"),
    )


def _authorise(method: str, url: str, body: bytes) -> dict[str, str]:
    del method, url, body
    return {"Authorization": f"SharedAccessKey {settings.EVENT_GRID_KEY}"}
