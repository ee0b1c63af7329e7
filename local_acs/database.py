"""The service's own SQLite: one writer thread, one transaction per piece of work, wake-ups after the commit."""

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session

from local_acs.models import Base, Fact

SCHEMA_VERSION = 1
Result = TypeVar("Result")


class DatabaseError(Exception):
    """The database file cannot be used; the message says what to do."""


class _Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...

    def close(self) -> object: ...


class _Connection(Protocol):
    def cursor(self) -> _Cursor: ...


class Signal:
    """Something that may have happened. Waiters look again; a signal sent while they look is not missed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def send(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Ask for this before looking, wait on it after."""
        return self._event


class Database:
    """All work runs on one thread, in the order it was asked for, so two requests never interleave their reads."""

    def __init__(self, path: Path) -> None:
        self._engine = _engine(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._signals: dict[str, Signal] = {}

    def signal(self, name: str) -> Signal:
        return self._signals.setdefault(name, Signal())

    async def run(self, work: Callable[[Session], Result]) -> Result:
        """Run `work` in a transaction; its exception rolls back. Signals asked for by `wake` follow the commit."""
        loop = asyncio.get_running_loop()
        # Shielded: a request that is cancelled must not leave a transaction whose outcome nobody announces.
        return await asyncio.shield(loop.run_in_executor(self._thread, self._transaction, work, loop))

    def run_now(self, work: Callable[[Session], Result]) -> Result:
        """The same without an event loop, for start-up."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            return work(session)

    def _transaction(self, work: Callable[[Session], Result], loop: asyncio.AbstractEventLoop) -> Result:
        with Session(self._engine, expire_on_commit=False) as session:
            with session.begin():
                result = work(session)
            woken: set[str] = session.info.get("woken", set())
        if woken:
            loop.call_soon_threadsafe(self._send, woken)
        return result

    def _send(self, woken: set[str]) -> None:
        for name in woken:
            self.signal(name).send()

    def close(self) -> None:
        self._thread.shutdown()
        self._engine.dispose()


def wake(session: Session, name: str) -> None:
    """Send the signal `name` once this session's transaction is committed."""
    session.info.setdefault("woken", set()).add(name)


def resource_id(session: Session) -> str:
    """The immutable resource id of this installation, a GUID made at the first start."""
    fact = session.get(Fact, "resource_id")
    if fact is None:
        fact = Fact(name="resource_id", value=str(uuid.uuid4()))
        session.add(fact)
    return fact.value


def _engine(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 20})

    @event.listens_for(engine, "connect")
    def _configure(connection: _Connection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    with engine.begin() as connection:
        version = connection.scalar(text("PRAGMA user_version"))
        if version not in (0, SCHEMA_VERSION):
            raise DatabaseError(
                f"{path} has schema {version}, this program writes schema {SCHEMA_VERSION}: move the folder"
                f" {path.parent} away to start with an empty one"
            )
        Base.metadata.create_all(connection)
        connection.execute(text(f"PRAGMA user_version={SCHEMA_VERSION}"))
    return engine
