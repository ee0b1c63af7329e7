"""Faults that can be switched on: what real temporary storage and Event Grid do on a bad day, on purpose.

slow-transfer        content is sent at `bytesPerSecond`
connection-reset     the connection is reset after `afterBytes` of content (half of it by default)
service-unavailable  a request is answered 503 (with `retryAfter` seconds when given)
duplicate-event      an event is published twice, with the same id

`match` limits a fault to paths (or event types, for duplicate-event) that contain it.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from local_acs import problems
from local_acs.clock import iso
from local_acs.database import Database
from local_acs.documents import Json, JsonObject
from local_acs.models import FaultRow

SLOW_TRANSFER = "slow-transfer"
CONNECTION_RESET = "connection-reset"
SERVICE_UNAVAILABLE = "service-unavailable"
DUPLICATE_EVENT = "duplicate-event"

_PARAMETERS: dict[str, tuple[str, ...]] = {
    SLOW_TRANSFER: ("bytesPerSecond",),
    CONNECTION_RESET: ("afterBytes",),
    SERVICE_UNAVAILABLE: ("retryAfter",),
    DUPLICATE_EVENT: (),
}
_LARGEST = 10**12
LONGEST_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultRequest:
    fault: str
    match: str
    parameters: dict[str, int]
    count: int | None
    seconds: float | None


def parse_fault(document: JsonObject) -> FaultRequest:
    fault = document.get("fault")
    if not isinstance(fault, str) or fault not in _PARAMETERS:
        raise problems.invalid_argument(f"fault must be one of {', '.join(_PARAMETERS)}")
    known = {"fault", "count", "for", "match", *_PARAMETERS[fault]}
    if unknown := sorted(set(document) - known):
        raise problems.invalid_argument(f"{fault} does not know {unknown[0]!r}; it takes {', '.join(sorted(known))}")
    match = document.get("match", "")
    if not isinstance(match, str):
        raise problems.invalid_argument("match must be text")
    seconds = _number(document, "for")
    return FaultRequest(
        fault=fault,
        match=match,
        parameters={name: _whole(document, name) for name in _PARAMETERS[fault] if name in document},
        count=_whole(document, "count") if "count" in document else None,
        seconds=seconds,
    )


class Faults:
    """The armed faults. `any_armed` spares the common case a look into the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.any_armed = database.run_now(lambda session: session.scalar(select(FaultRow.id).limit(1)) is not None)

    async def arm(self, request: FaultRequest, *, now: datetime) -> JsonObject:
        row = FaultRow(
            fault=request.fault,
            match=request.match,
            parameters=json.dumps(request.parameters),
            remaining=request.count,
            until=None if request.seconds is None else now + timedelta(seconds=request.seconds),
            fired=0,
            armed_at=now,
        )

        def add(session: Session) -> JsonObject:
            session.add(row)
            session.flush()
            return _described(row)

        described = await self._database.run(add)
        self.any_armed = True
        return described

    async def listed(self) -> list[Json]:
        def read(session: Session) -> list[Json]:
            return [_described(row) for row in session.scalars(select(FaultRow).order_by(FaultRow.id))]

        return await self._database.run(read)

    async def disarm(self, fault_id: int | None = None) -> int:
        """Remove one fault, or all of them; how many were removed."""

        def remove(session: Session) -> tuple[int, bool]:
            rows = session.scalars(select(FaultRow)).all()
            chosen = [row.id for row in rows if fault_id is None or row.id == fault_id]
            session.execute(delete(FaultRow).where(FaultRow.id.in_(chosen)))
            return len(chosen), len(chosen) < len(rows)

        removed, self.any_armed = await self._database.run(remove)
        return removed

    async def strike(self, fault: str, subject: str, *, now: datetime) -> dict[str, int] | None:
        """The parameters of an armed fault that fits, counted as fired; None when nothing is to go wrong."""
        if not self.any_armed:
            return None
        return await self._database.run(lambda session: self.strike_in(session, fault, subject, now=now))

    def strike_in(self, session: Session, fault: str, subject: str, *, now: datetime) -> dict[str, int] | None:
        if not self.any_armed:
            return None
        for row in session.scalars(select(FaultRow).where(FaultRow.fault == fault).order_by(FaultRow.id)):
            spent = row.remaining == 0 or (row.until is not None and row.until <= now)
            if spent or row.match not in subject:
                continue
            row.fired += 1
            row.remaining = None if row.remaining is None else row.remaining - 1
            parameters: dict[str, int] = json.loads(row.parameters)
            return parameters
        return None


def _described(row: FaultRow) -> JsonObject:
    parameters: JsonObject = json.loads(row.parameters)
    return {
        "id": row.id,
        "fault": row.fault,
        "match": row.match,
        "remaining": row.remaining,
        "until": None if row.until is None else iso(row.until),
        "fired": row.fired,
        "armedAt": iso(row.armed_at),
        **parameters,
    }


def _number(document: JsonObject, field: str) -> float | None:
    value = document.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_SECONDS:
        raise problems.invalid_argument(f"{field} must be a number of seconds from 0 to {LONGEST_SECONDS}")
    return float(value)


def _whole(document: JsonObject, field: str) -> int:
    value = document.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise problems.invalid_argument(f"{field} must be a whole number from 0 to {_LARGEST}")
    return value
