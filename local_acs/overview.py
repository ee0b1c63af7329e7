"""Everything at a glance, for whoever runs the embedded service: calls, recordings, storage, queue, callbacks."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from local_acs import roster, topic
from local_acs.clock import iso
from local_acs.database import resource_id
from local_acs.documents import Json, JsonObject
from local_acs.models import Callback, Recording, StoredObject

MOST_RECORDINGS = 200


def read(session: Session, endpoint: str, now: datetime) -> JsonObject:
    newest = session.scalars(select(Recording).order_by(Recording.id.desc()).limit(MOST_RECORDINGS)).all()
    recordings: list[Json] = [_recording(row) for row in newest]
    return {
        "endpoint": endpoint,
        "resourceId": resource_id(session),
        "now": iso(now),
        "liveCalls": len(roster.live_calls(session)),
        "recordings": recordings,
        "queue": dict[str, Json](topic.counts(session, now=now)),
        "callbacks": _callbacks(session),
    }


def _recording(row: Recording) -> JsonObject:
    stored: list[Json] = [_stored(chunk) for chunk in row.stored]
    return {
        "recordingId": row.recording_id,
        "serverCallId": row.call.server_call_id,
        "callId": row.call.call_id,
        "state": row.state,
        "folder": row.folder,
        "requestedAt": iso(row.requested_at),
        "endedAt": None if row.ended_at is None else iso(row.ended_at),
        "sessionEndReason": row.session_end_reason,
        "recorderPid": row.recorder_pid,
        "stored": stored,
    }


def _stored(chunk: StoredObject) -> JsonObject:
    return {
        "documentId": chunk.document_id,
        "index": chunk.index,
        "bytes": chunk.bytes,
        "expiresAt": iso(chunk.expires_at),
        "goneAt": None if chunk.gone_at is None else iso(chunk.gone_at),
        "goneBecause": chunk.gone_because,
        "downloads": chunk.downloads,
    }


def _callbacks(session: Session) -> JsonObject:
    waiting = session.scalar(select(func.count()).where(Callback.due_at.is_not(None)))
    outcomes = select(Callback.outcome, func.count()).where(Callback.due_at.is_(None)).group_by(Callback.outcome)
    return {"waiting": waiting, "settled": {str(outcome): count for outcome, count in session.execute(outcomes)}}
