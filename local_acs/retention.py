"""Temporary storage: finding a stored file, deleting it, and letting it go when its time is over."""

import asyncio
import contextlib
import logging
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from local_acs import repeatability, topic
from local_acs.clock import now
from local_acs.database import Database
from local_acs.models import Recording, RecordingState, StoredObject

logger = logging.getLogger(__name__)

SIGNAL = "stored"
LONGEST_PAUSE = 60.0
"""Seconds after which the clock is looked at again whatever was computed, since wall clocks are set and leap."""

FRUITLESS_KEPT = timedelta(days=1)
"""The folder of a recording without a file is kept so long, for its log."""

DELETED = "deleted"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What a download needs to know; the path may be gone by the time it is opened."""

    document_id: str
    media_path: Path
    metadata_path: Path
    media_type: str
    stored_at: datetime


class Retention:
    def __init__(self, database: Database, recordings: Path, limits: topic.Limits) -> None:
        self._database = database
        self._recordings = recordings
        self._limits = limits

    async def find(self, document_id: str) -> StoredFile | None:
        """The stored file, None when it never was, was deleted, or its time is over (to the instant)."""

        def look(session: Session) -> StoredFile | None:
            row = session.get(StoredObject, document_id)
            if row is None or row.gone_at is not None or row.expires_at <= now():
                return None
            row.downloads += 1
            return self._file(row)

        return await self._database.run(look)

    async def delete(self, document_id: str) -> bool:
        """Delete media and metadata from the disk; False when there is nothing any more."""

        def mark(session: Session) -> StoredFile | None:
            row = session.get(StoredObject, document_id)
            if row is None or row.gone_at is not None or row.expires_at <= now():
                return None
            row.gone_at, row.gone_because = now(), DELETED
            return self._file(row)

        file = await self._database.run(mark)
        if file is None:
            return False
        await asyncio.to_thread(_remove, file)
        await self._tidy()
        return True

    async def run(self) -> None:
        """Remove what has expired, whenever the next thing expires."""
        while True:
            changed = self._database.signal(SIGNAL).next()
            expired, next_expiry = await self._database.run(lambda session: self._expire(session, now()))
            for file in expired:
                await asyncio.to_thread(_remove, file)
                logger.info("%s has expired and is gone", file.document_id)
            await self._tidy()
            await self._database.run(self._forget_old)
            pause = LONGEST_PAUSE if next_expiry is None else (next_expiry - now()).total_seconds()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(max(pause, 0.01), LONGEST_PAUSE))

    def sweep_at_start(self) -> None:
        """Remove what expired, and what a death between the row and the disk left over, before anything is served."""
        self._database.run_now(lambda session: self._expire(session, now()))
        for file in self._database.run_now(self._gone):
            _remove(file)
        for folder in self._database.run_now(self._spent_folders):
            shutil.rmtree(folder, ignore_errors=True)

    def _file(self, row: StoredObject) -> StoredFile:
        folder = self._recordings / row.recording.folder
        return StoredFile(
            document_id=row.document_id,
            media_path=folder / row.media_name,
            metadata_path=folder / row.metadata_name,
            media_type=row.media_type,
            stored_at=row.stored_at,
        )

    def _expire(self, session: Session, moment: datetime) -> tuple[list[StoredFile], datetime | None]:
        rows = session.scalars(
            select(StoredObject).where(StoredObject.gone_at.is_(None)).order_by(StoredObject.expires_at)
        ).all()
        expired = [row for row in rows if row.expires_at <= moment]
        for row in expired:
            row.gone_at, row.gone_because = moment, EXPIRED
        later = [row.expires_at for row in rows if row.gone_at is None]
        return [self._file(row) for row in expired], min(later, default=None)

    async def _tidy(self) -> None:
        """Remove the folders of recordings of which nothing is stored any more."""
        for folder in await self._database.run(self._spent_folders):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _gone(self, session: Session) -> list[StoredFile]:
        rows = session.scalars(select(StoredObject).where(StoredObject.gone_at.is_not(None)))
        return [file for row in rows if (file := self._file(row)).media_path.parent.exists()]

    def _spent_folders(self, session: Session) -> list[Path]:
        kept = select(StoredObject.recording_pk).where(StoredObject.gone_at.is_(None))
        announced = Recording.state == RecordingState.ANNOUNCED
        fruitless = Recording.state.in_((RecordingState.EMPTY, RecordingState.FAILED))
        spent = select(Recording.folder).where(
            or_(
                announced & Recording.id.not_in(kept),
                fruitless & (Recording.requested_at < now() - FRUITLESS_KEPT),
            )
        )
        return [path for folder in session.scalars(spent) if (path := self._recordings / folder).exists()]

    def _forget_old(self, session: Session) -> None:
        topic.settle_overdue(session, limits=self._limits, now=now())
        topic.forget_settled(session, now=now())
        repeatability.forget_old(session, now=now())


def _remove(file: StoredFile) -> None:
    for path in (file.media_path, file.metadata_path):
        path.unlink(missing_ok=True)
