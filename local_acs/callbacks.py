"""Delivers RecordingStateChanged to recordingStateCallbackUri, in order per recording, again and again for a while."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from local_acs.clock import now
from local_acs.database import Database
from local_acs.models import Callback
from local_acs.outbox import CALLBACK_SIGNAL

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = (1, 2, 5, 10, 30, 60, 300, 600)
"""Pauses between attempts; after the last one the callback is given up, and asking for the state is what remains."""
AT_ONCE = 16

DELIVERED = "delivered"
GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class _Post:
    key: int
    recording: int
    uri: str
    body: str


class CallbackSender:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sending: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        signal = self._database.signal(CALLBACK_SIGNAL)
        timeout = httpx.Timeout(TIMEOUT_SECONDS)
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client:
            try:
                while True:
                    changed = signal.next()
                    due, next_due = await self._database.run(lambda session: _due(session, now()))
                    for post in due:
                        self._begin(client, post)
                    pause = None if next_due is None else max((next_due - now()).total_seconds(), 0.01)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), pause)
            finally:
                for task in self._sending.values():
                    task.cancel()
                self._sending.clear()

    def _begin(self, client: httpx.AsyncClient, post: _Post) -> None:
        """Send `post` unless the recording has one on its way: a slow receiver only delays its own."""
        if post.recording in self._sending or len(self._sending) >= AT_ONCE:
            return
        task = asyncio.create_task(self._send(client, post))
        self._sending[post.recording] = task

    async def _send(self, client: httpx.AsyncClient, post: _Post) -> None:
        try:
            headers = {"Content-Type": "application/json; charset=utf-8"}
            async with client.stream("POST", post.uri, content=post.body.encode(), headers=headers) as response:
                outcome = DELIVERED if response.is_success else f"HTTP {response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            outcome = f"{type(error).__name__}: {error}"[:500]
        await self._database.run(lambda session: _settle(session, post.key, outcome, now()))
        self._sending.pop(post.recording, None)
        self._database.signal(CALLBACK_SIGNAL).send()


def _due(session: Session, moment: datetime) -> tuple[list[_Post], datetime | None]:
    """The oldest undelivered callback of each recording if it is due, and when the next one will be."""
    oldest = select(func.min(Callback.id)).where(Callback.due_at.is_not(None)).group_by(Callback.recording_pk)
    rows = session.scalars(select(Callback).where(Callback.id.in_(oldest)).order_by(Callback.due_at)).all()
    due = [
        _Post(row.id, row.recording_pk, row.uri, row.body)
        for row in rows
        if row.due_at is not None and row.due_at <= moment
    ]
    later = [row.due_at for row in rows if row.due_at is not None and row.due_at > moment]
    return due, min(later, default=None)


def _settle(session: Session, key: int, outcome: str, moment: datetime) -> None:
    row = session.get_one(Callback, key)
    row.attempts += 1
    row.outcome = outcome
    if outcome == DELIVERED:
        row.due_at = None
    elif row.attempts > len(RETRY_SECONDS):
        row.due_at = None
        row.outcome = f"{GIVEN_UP}: {outcome}"
        logger.warning("a state callback of recording %d is given up after %s", row.recording_pk, outcome)
    else:
        row.due_at = moment + timedelta(seconds=RETRY_SECONDS[row.attempts - 1])
