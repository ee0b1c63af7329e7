"""The parts of the running service and how they hang together, from recovery at start to the end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from local_acs import roster
from local_acs.announcer import Announcer
from local_acs.callbacks import CallbackSender
from local_acs.clock import now
from local_acs.control import CALL_ENDED, Control
from local_acs.database import Database, resource_id
from local_acs.director import Director
from local_acs.faults import Faults
from local_acs.models import LIVE_STATES, UNFINISHED_STATES, Recording, RecordingState
from local_acs.outbox import Outbox
from local_acs.recorders import kill_leftover
from local_acs.retention import Retention
from local_acs.settings import Settings
from local_acs.switchboard import Switchboard

logger = logging.getLogger(__name__)

CLOSING_SECONDS = 0.7
"""What recorders get to close their files when the service ends; the rest is done at the next start."""

FAILURE_PAUSE = 5.0


class Service:
    def __init__(self, settings: Settings, endpoint: str) -> None:
        self.settings = settings
        self.endpoint = endpoint
        self.started_at = now()
        self.database = Database(settings.data / "local_acs.sqlite3")
        self.faults = Faults(self.database)
        self.outbox = Outbox(settings, self.faults)
        self.control = Control(settings, self.database, self.outbox)
        self.switchboard = Switchboard(self.database, self.outbox, self.control)
        self.retention = Retention(self.database, settings.recordings, self.outbox.limits)
        self.director = Director(self.database, self.switchboard, settings.live_calls)
        self.stopping = asyncio.Event()
        self._announcer = Announcer(settings, self.database, self.outbox, endpoint)
        self._callbacks = CallbackSender(self.database)
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None

    def recover(self) -> None:
        """End what was going on when the service died: its calls, their recordings, and what expired meanwhile."""
        self.settings.recordings.mkdir(parents=True, exist_ok=True)
        self.database.run_now(resource_id)
        for pid, folder in self.database.run_now(self._leftovers):
            kill_leftover(pid, folder)
        self.database.run_now(self._end_everything)
        self.retention.sweep_at_start()

    def start(self) -> None:
        for work in (self._announcer.run, self._callbacks.run, self.retention.run, self.director.run):
            task = asyncio.create_task(persistently(work))
            task.add_done_callback(_tell_of_death)
            self._tasks.append(task)

    def begin_closing(self) -> None:
        """Wake the long polls and let recorders close their files while the server takes leave of its clients."""
        self.stopping.set()
        if self._closing is None:
            self._closing = asyncio.create_task(self.control.recorders.close(CLOSING_SECONDS))

    async def close(self) -> None:
        self.begin_closing()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *filter(None, [self._closing]), return_exceptions=True)
        self.database.close()

    def _leftovers(self, session: Session) -> list[tuple[int, Path]]:
        rows = session.scalars(select(Recording).where(Recording.state.in_(UNFINISHED_STATES)))
        return [(row.recorder_pid, self.settings.recordings / row.folder) for row in rows if row.recorder_pid]

    def _end_everything(self, session: Session) -> None:
        moment = now()
        for call in roster.live_calls(session):
            roster.end_call(session, self.outbox, call, now=moment)
        for recording in session.scalars(select(Recording).where(Recording.state.in_(UNFINISHED_STATES))):
            if recording.state in LIVE_STATES:
                recording.session_end_reason = CALL_ENDED
                recording.ended_at = moment
                self.outbox.callback(session, recording, "inactive", now=moment)
            recording.state = RecordingState.FINISHING
            if not (self.settings.recordings / recording.folder / "spec.json").exists():
                # Death came before the recorder was given anything to do.
                recording.state = RecordingState.FAILED


async def persistently(work: Callable[[], Awaitable[None]], *, pause: float = FAILURE_PAUSE) -> None:
    """Run `work` for ever; a database or disk that refuses is tried again, since ending would end every recording."""
    while True:
        try:
            await work()
        except (SQLAlchemyError, OSError):
            logger.exception("background work is tried again in %g s", pause)
        await asyncio.sleep(pause)


def _tell_of_death(task: asyncio.Task[None]) -> None:
    """A background task never ends by itself; if one does, the whole service ends so that it is started again."""
    if task.cancelled() or task.exception() is None:
        return
    logger.critical("a background task died", exc_info=task.exception())
    raise SystemExit(1)
