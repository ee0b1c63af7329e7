"""Finishes the files of ended recordings, stores them and tells the world, one event per recording."""

import asyncio
import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_acs import retention
from local_acs.clock import now
from local_acs.database import Database, wake
from local_acs.events import recording_file_status_updated
from local_acs.finishing import Chunk, FinishingError, finish_elsewhere
from local_acs.models import Recording, RecordingState, StoredObject
from local_acs.outbox import Outbox
from local_acs.settings import Settings

logger = logging.getLogger(__name__)

FINISHING_SIGNAL = "finishing"
AT_ONCE = 2
"""Files finished at the same time; more would only take turns on the disk."""
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0, 600.0, 600.0, 600.0)
"""A full disk is emptied by somebody sooner or later; what is still unfinished then is tried at the next start."""
MEDIA_TYPES = {"mp4": "video/mp4", "mp3": "audio/mpeg", "wav": "audio/wav"}


class Announcer:
    def __init__(self, settings: Settings, database: Database, outbox: Outbox, endpoint: str) -> None:
        self._settings = settings
        self._database = database
        self._outbox = outbox
        self._endpoint = endpoint
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Finish whatever is in the state `finishing`, now and whenever another recorder exits."""
        signal = self._database.signal(FINISHING_SIGNAL)
        try:
            while True:
                changed = signal.next()
                for key in await self._database.run(_waiting):
                    self._begin(key)
                await changed.wait()
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, key: int) -> None:
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._finish(key))
            self._tasks[key].add_done_callback(lambda task: self._ended(key, task))

    def _ended(self, key: int, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        if not task.cancelled() and task.exception() is not None:
            logger.error("recording %d was not announced and is tried again later", key, exc_info=task.exception())

    async def _finish(self, key: int) -> None:
        recording = await self._database.run(lambda session: session.get_one(Recording, key))
        chunks = await self._finished_chunks(recording)
        if chunks is None:
            logger.error("recording %s stays unfinished until the next start", recording.recording_id)
            await self._database.run(lambda session: _broken(session, key))
        else:
            await self._database.run(lambda session: self._store(session, key, chunks, now()))

    async def _finished_chunks(self, recording: Recording) -> list[Chunk] | None:
        for pause in (0.0, *RETRY_SECONDS):
            await asyncio.sleep(pause)
            try:
                async with self._at_once:
                    return await finish_elsewhere(self._settings.recordings / recording.folder, recording.recording_id)
            except (FinishingError, OSError) as error:
                logger.warning("%s", error)
        return None

    def _store(self, session: Session, key: int, chunks: list[Chunk], moment: datetime) -> None:
        """Put the chunks into temporary storage and queue the event; their time runs from when it can be received."""
        recording = session.get_one(Recording, key)
        if not chunks:
            recording.state = RecordingState.EMPTY
            return
        delay = timedelta(seconds=self._settings.event_delay_seconds)
        stored_at = moment + delay
        stored = [
            StoredObject(
                document_id=chunk.document_id,
                recording=recording,
                index=chunk.index,
                media_name=chunk.media_name,
                metadata_name=chunk.metadata_name,
                media_type=MEDIA_TYPES[recording.format],
                bytes=chunk.bytes,
                end_reason=chunk.end_reason,
                stored_at=stored_at,
                expires_at=stored_at + timedelta(seconds=self._settings.retention_seconds),
                downloads=0,
            )
            for chunk in chunks
        ]
        session.add_all(stored)
        recording.started_at = chunks[0].start_time
        recording.state = RecordingState.ANNOUNCED
        recording.announced_at = stored_at
        event = recording_file_status_updated(
            recording,
            stored,
            endpoint=self._endpoint,
            duration_ms=sum(chunk.duration_ms for chunk in chunks),
            profile=self._settings.event_profile,
            now=stored_at,
        )
        self._outbox.event(session, event, now=moment, delay=delay)
        wake(session, retention.SIGNAL)


def _waiting(session: Session) -> list[int]:
    return list(session.scalars(select(Recording.id).where(Recording.state == RecordingState.FINISHING)))


def _broken(session: Session, key: int) -> None:
    session.get_one(Recording, key).state = RecordingState.BROKEN
