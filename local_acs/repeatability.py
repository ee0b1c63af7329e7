"""Repeatable requests: the same Repeatability-Request-ID gets the same answer, and acts once.

Source: OASIS "Repeatable Requests" 1.0, which the start operation of the CallAutomation specification refers to.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from local_acs.models import AnsweredRequest
from local_acs.problems import Problem

TRACKED_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class RepeatableRequest:
    request_id: str
    fingerprint: str


def repeatable_request(request_id: str | None, method: str, path: str, body: bytes) -> RepeatableRequest | None:
    if not request_id:
        return None
    digest = hashlib.sha256(b"\n".join((method.encode(), path.encode(), body)))
    return RepeatableRequest(request_id.lower(), digest.hexdigest())


def earlier_answer(session: Session, request: RepeatableRequest | None) -> Answer | None:
    """What was answered before; raises Problem when the id was used for another request."""
    row = None if request is None else session.get(AnsweredRequest, request.request_id)
    if request is None or row is None:
        return None
    if row.fingerprint != request.fingerprint:
        raise Problem(400, "BadRequest", "Repeatability-Request-ID was already used for a different request.")
    return Answer(row.status, row.body, repeated=True)


def remember(session: Session, request: RepeatableRequest | None, answer: Answer, *, now: datetime) -> None:
    if request is not None:
        session.add(
            AnsweredRequest(
                request_id=request.request_id,
                fingerprint=request.fingerprint,
                status=answer.status,
                body=answer.body,
                answered_at=now,
            )
        )


def forget(session: Session, request: RepeatableRequest | None) -> None:
    """A start that failed may be tried again under its id."""
    if request is not None:
        session.execute(delete(AnsweredRequest).where(AnsweredRequest.request_id == request.request_id))


def forget_old(session: Session, *, now: datetime) -> None:
    session.execute(delete(AnsweredRequest).where(AnsweredRequest.answered_at < now - TRACKED_FOR))
