"""A namespace topic with one pull subscription, kept in the database.

Semantics follow azure-docs "Pull delivery overview" and "Subscriber operations" of Event Grid namespaces, data plane
2024-06-01: an event is delivered under a lock, comes back when the lock runs out or is released, and is dead-lettered
after too many deliveries, when rejected, or when its time to live is over.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from local_acs.database import wake
from local_acs.documents import Json, JsonObject
from local_acs.models import QueuedEvent, UtcDateTime

SIGNAL = "topic"
RENEWAL_WINDOW = timedelta(hours=1)
SETTLED_ROWS_KEPT = timedelta(days=1)

ACKNOWLEDGED = "acknowledged"
REJECTED = "rejected"
EXPIRED = "expired"
UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class Limits:
    lock: timedelta
    max_deliveries: int
    time_to_live: timedelta


@dataclass(frozen=True, slots=True)
class Delivery:
    lock_token: str
    count: int
    body: str


@dataclass(frozen=True, slots=True)
class FailedToken:
    lock_token: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Settlement:
    succeeded: list[str]
    failed: list[FailedToken]


def publish(session: Session, event: JsonObject, *, limits: Limits, now: datetime, delay: timedelta) -> None:
    row = QueuedEvent(
        body=json.dumps(event, separators=(",", ":"), ensure_ascii=False),
        type=str(event.get("type", "")),
        published_at=now,
        available_at=now + delay,
        expires_at=now + delay + limits.time_to_live,
    )
    session.add(row)
    wake(session, SIGNAL)


def receive(session: Session, *, most: int, limits: Limits, now: datetime) -> list[Delivery]:
    """Lock and return up to `most` available events, oldest first; an empty list locks nothing."""
    settle_overdue(session, limits=limits, now=now)
    rows = session.scalars(
        select(QueuedEvent)
        .where(
            QueuedEvent.settled.is_(None),
            QueuedEvent.available_at <= now,
            or_(QueuedEvent.locked_until.is_(None), QueuedEvent.locked_until <= now),
        )
        .order_by(QueuedEvent.available_at, QueuedEvent.id)
        .limit(most)
    ).all()
    for row in rows:
        row.lock_token = secrets.token_urlsafe(24)
        row.locked_until = now + limits.lock
        row.first_received_at = row.first_received_at or now
        row.delivery_count += 1
    return [Delivery(row.lock_token or "", row.delivery_count, row.body) for row in rows]


def next_change(session: Session, *, now: datetime) -> datetime | None:
    """When the next waiting event becomes available (its delay or its lock runs out), None when nothing waits."""
    available = func.max(QueuedEvent.available_at, func.coalesce(QueuedEvent.locked_until, QueuedEvent.available_at))
    soonest = session.scalar(select(func.min(available, type_=UtcDateTime)).where(QueuedEvent.settled.is_(None)))
    return None if soonest is None else max(soonest, now)


def acknowledge(session: Session, tokens: Sequence[str], *, now: datetime) -> Settlement:
    return _with_locks(session, tokens, now, lambda row: _settle(row, ACKNOWLEDGED, now))


def reject(session: Session, tokens: Sequence[str], *, now: datetime) -> Settlement:
    return _with_locks(session, tokens, now, lambda row: _settle(row, REJECTED, now))


def release(session: Session, tokens: Sequence[str], *, delay: timedelta, now: datetime) -> Settlement:
    def free(row: QueuedEvent) -> None:
        row.lock_token = None
        row.locked_until = None
        row.available_at = now + delay

    settlement = _with_locks(session, tokens, now, free)
    wake(session, SIGNAL)
    return settlement


def renew(session: Session, tokens: Sequence[str], *, limits: Limits, now: datetime) -> Settlement:
    def extend(row: QueuedEvent) -> None:
        row.locked_until = min(now + limits.lock, (row.first_received_at or now) + RENEWAL_WINDOW)

    return _with_locks(session, tokens, now, extend)


def counts(session: Session, *, now: datetime) -> dict[str, int]:
    """How many events are available, delayed, locked, and settled in which way."""
    found = {"available": 0, "delayed": 0, "locked": 0, ACKNOWLEDGED: 0, REJECTED: 0, EXPIRED: 0, UNDELIVERABLE: 0}
    for settled, number in session.execute(
        select(QueuedEvent.settled, func.count()).where(QueuedEvent.settled.is_not(None)).group_by(QueuedEvent.settled)
    ):
        found[str(settled)] = number
    for available_at, locked_until in session.execute(
        select(QueuedEvent.available_at, QueuedEvent.locked_until).where(QueuedEvent.settled.is_(None))
    ):
        locked = locked_until is not None and locked_until > now
        found["locked" if locked else "delayed" if available_at > now else "available"] += 1
    return found


def forget_settled(session: Session, *, now: datetime) -> None:
    session.execute(delete(QueuedEvent).where(QueuedEvent.settled_at < now - SETTLED_ROWS_KEPT))


def receive_document(deliveries: Sequence[Delivery]) -> str:
    """The body of a receive response; events are spliced in as they were published."""
    items = (
        f'{{"brokerProperties":{{"lockToken":{json.dumps(d.lock_token)},"deliveryCount":{d.count}}},"event":{d.body}}}'
        for d in deliveries
    )
    return f'{{"value":[{",".join(items)}]}}'


def settlement_document(settlement: Settlement) -> JsonObject:
    failed: list[Json] = [
        {"lockToken": token.lock_token, "error": {"code": token.code, "message": token.message}}
        for token in settlement.failed
    ]
    succeeded: list[Json] = [*settlement.succeeded]
    return {"failedLockTokens": failed, "succeededLockTokens": succeeded}


def settle_overdue(session: Session, *, limits: Limits, now: datetime) -> None:
    """Dead-letter what nobody holds and nobody will get: too old, or delivered too often."""
    unlocked = or_(QueuedEvent.locked_until.is_(None), QueuedEvent.locked_until <= now)
    waiting = (QueuedEvent.settled.is_(None), unlocked)
    session.execute(
        update(QueuedEvent).where(*waiting, QueuedEvent.expires_at <= now).values(settled=EXPIRED, settled_at=now)
    )
    session.execute(
        update(QueuedEvent)
        .where(*waiting, QueuedEvent.delivery_count >= limits.max_deliveries)
        .values(settled=UNDELIVERABLE, settled_at=now)
    )


def _settle(row: QueuedEvent, outcome: str, now: datetime) -> None:
    row.settled = outcome
    row.settled_at = now
    row.lock_token = None
    row.locked_until = None


def _with_locks(
    session: Session, tokens: Sequence[str], now: datetime, apply: Callable[[QueuedEvent], None]
) -> Settlement:
    succeeded: list[str] = []
    failed: list[FailedToken] = []
    for token in dict.fromkeys(tokens):
        row = session.scalar(select(QueuedEvent).where(QueuedEvent.lock_token == token))
        if row is None or row.locked_until is None or row.locked_until <= now:
            failed.append(FailedToken(token, "TokenLost", "The lock token is unknown or its lock has expired."))
            continue
        apply(row)
        succeeded.append(token)
    return Settlement(succeeded, failed)
