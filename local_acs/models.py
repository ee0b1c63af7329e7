"""What the service remembers: calls, recordings, stored files, queued events, callbacks, faults.

Recording states and their legal steps:

    starting -> active | paused | failed
    active  <-> paused
    active | paused -> stopping          (stop, or the call ended)
    starting | active | paused | stopping -> finishing   (the recorder has exited)
    finishing -> announced | empty | broken
    broken -> finishing                   (at the next start of the service)
"""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import DateTime, Dialect, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python, naive UTC text in SQLite (which keeps no offset)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: UtcDateTime, str: String}


class RecordingState(StrEnum):
    STARTING = "starting"
    ACTIVE = "active"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHING = "finishing"
    ANNOUNCED = "announced"
    EMPTY = "empty"
    BROKEN = "broken"
    FAILED = "failed"


LIVE_STATES = (RecordingState.STARTING, RecordingState.ACTIVE, RecordingState.PAUSED)
UNFINISHED_STATES = (*LIVE_STATES, RecordingState.STOPPING, RecordingState.FINISHING, RecordingState.BROKEN)


class Fact(Base):
    """A single value of this installation, such as its immutable resource id."""

    __tablename__ = "fact"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Call(Base):
    """`call_id` and `server_call_id` are two ids of one call; neither can be computed from the other."""

    __tablename__ = "call"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(unique=True)
    server_call_id: Mapped[str] = mapped_column(unique=True)
    group_id: Mapped[str] = mapped_column(unique=True)
    room_id: Mapped[str | None] = mapped_column(index=True)
    connection_id: Mapped[str] = mapped_column(unique=True)
    started_by: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ends_at: Mapped[datetime | None]
    directed: Mapped[bool]

    participants: Mapped[list["Participant"]] = relationship(back_populates="call", order_by="Participant.id")
    recordings: Mapped[list["Recording"]] = relationship(back_populates="call", order_by="Recording.id")


class Participant(Base):
    __tablename__ = "participant"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_pk: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    participant_id: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]

    call: Mapped[Call] = relationship(back_populates="participants")


class Recording(Base):
    __tablename__ = "recording"
    __table_args__ = (
        Index(
            "one_live_recording_per_call",
            "call_pk",
            unique=True,
            sqlite_where=text("state IN ('starting', 'active', 'paused')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_pk: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    recording_id: Mapped[str] = mapped_column(unique=True)
    folder: Mapped[str] = mapped_column(unique=True)
    state: Mapped[RecordingState] = mapped_column(String, index=True)
    content: Mapped[str]
    channel: Mapped[str]
    format: Mapped[str]
    pause_on_start: Mapped[bool]
    callback_uri: Mapped[str | None]
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    session_end_reason: Mapped[str | None]
    recorder_pid: Mapped[int | None]
    announced_at: Mapped[datetime | None]

    call: Mapped[Call] = relationship(back_populates="recordings")
    stored: Mapped[list["StoredObject"]] = relationship(back_populates="recording", order_by="StoredObject.index")


class StoredObject(Base):
    """One chunk in temporary storage. The row outlives its files: `gone_at` says when they went."""

    __tablename__ = "stored_object"

    document_id: Mapped[str] = mapped_column(primary_key=True)
    recording_pk: Mapped[int] = mapped_column(ForeignKey("recording.id"), index=True)
    index: Mapped[int]
    media_name: Mapped[str]
    metadata_name: Mapped[str]
    media_type: Mapped[str]
    bytes: Mapped[int]
    end_reason: Mapped[str]
    stored_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    gone_at: Mapped[datetime | None]
    gone_because: Mapped[str | None]
    downloads: Mapped[int] = mapped_column(default=0)

    recording: Mapped[Recording] = relationship(back_populates="stored")


class QueuedEvent(Base):
    """A CloudEvent waiting in the topic's one subscription; `settled` says how its wait ended."""

    __tablename__ = "queued_event"
    __table_args__ = (Index("waiting_events", "settled", "available_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    type: Mapped[str]
    published_at: Mapped[datetime]
    available_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    delivery_count: Mapped[int] = mapped_column(default=0)
    first_received_at: Mapped[datetime | None]
    lock_token: Mapped[str | None] = mapped_column(unique=True)
    locked_until: Mapped[datetime | None]
    settled: Mapped[str | None]
    settled_at: Mapped[datetime | None]


class Callback(Base):
    """A RecordingStateChanged on its way to a recordingStateCallbackUri."""

    __tablename__ = "callback"

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_pk: Mapped[int] = mapped_column(ForeignKey("recording.id"), index=True)
    uri: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str | None]


class AnsweredRequest(Base):
    """The first answer to a Repeatability-Request-ID, to be given again."""

    __tablename__ = "answered_request"

    request_id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    answered_at: Mapped[datetime]


class FaultRow(Base):
    """An armed fault. `remaining` and `until` limit it; `fired` counts how often it struck."""

    __tablename__ = "fault"

    id: Mapped[int] = mapped_column(primary_key=True)
    fault: Mapped[str]
    match: Mapped[str]
    parameters: Mapped[str] = mapped_column(Text)
    remaining: Mapped[int | None]
    until: Mapped[datetime | None]
    fired: Mapped[int] = mapped_column(default=0)
    armed_at: Mapped[datetime]
