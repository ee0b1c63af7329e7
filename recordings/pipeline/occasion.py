"""What the parts of ingest share: the entry at hand with its time, and what came of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from recordings.models import Notification, Recording, Resource

FUTURE_BELIEVED = timedelta(days=1)
"""A moment further ahead of its arrival than this is no clock skew but nonsense."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One inbox entry being processed."""

    notification: Notification

    @property
    def resource(self) -> Resource:
        return self.notification.resource

    @property
    def told_at(self) -> datetime | None:
        """When the service says that it happened, if it says so believably."""
        return self.believable(self.notification.event_time)

    @property
    def at(self) -> datetime:
        """When it happened; its arrival, when the event does not say."""
        return self.told_at or self.notification.received_at

    def believable(self, moment: datetime | None) -> datetime | None:
        """`moment`, unless it lies in the future of the event's arrival."""
        if moment is None or moment > self.notification.received_at + FUTURE_BELIEVED:
            return None
        return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an entry changed, in a sentence; `problems` are sentences about parts of it that could not be used."""

    sentence: str
    recording: Recording | None = None
    problems: tuple[str, ...] = ()
    about_recordings: bool = True
    """False for an event that was understood and has nothing to do with recordings, calls or people."""
