"""What leaves the service, written in the transaction that makes it true: events to the topic, state callbacks."""

import json
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from local_acs import topic
from local_acs.database import wake
from local_acs.documents import JsonObject
from local_acs.events import recording_state_changed
from local_acs.faults import DUPLICATE_EVENT, Faults
from local_acs.models import Callback, Recording
from local_acs.settings import Settings

CALLBACK_SIGNAL = "callback"


class Outbox:
    def __init__(self, settings: Settings, faults: Faults) -> None:
        self._faults = faults
        self.limits = topic.Limits(
            lock=timedelta(seconds=settings.lock_seconds),
            max_deliveries=settings.max_deliveries,
            time_to_live=timedelta(seconds=settings.event_ttl_seconds),
        )

    def event(self, session: Session, event: JsonObject, *, now: datetime, delay: timedelta = timedelta(0)) -> None:
        """Publish `event`; twice when a duplicate-event fault strikes, as at-least-once delivery may."""
        topic.publish(session, event, limits=self.limits, now=now, delay=delay)
        if self._faults.strike_in(session, DUPLICATE_EVENT, str(event.get("type", "")), now=now) is not None:
            topic.publish(session, event, limits=self.limits, now=now, delay=delay)

    def callback(self, session: Session, recording: Recording, state: str, *, now: datetime) -> None:
        """Queue a RecordingStateChanged for the recording's callback URI, if it has one."""
        if recording.callback_uri is None:
            return
        body = json.dumps(recording_state_changed(recording, state, now))
        session.add(
            Callback(
                recording_pk=recording.id,
                uri=recording.callback_uri,
                body=body,
                created_at=now,
                due_at=now,
                attempts=0,
            )
        )
        wake(session, CALLBACK_SIGNAL)
