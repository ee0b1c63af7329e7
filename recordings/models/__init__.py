"""The tables of the recordings domain. Rules about one row are methods or querysets beside it."""

from recordings.models.call import Call, Participant, Presence, RecordingParticipant
from recordings.models.command import Command
from recordings.models.condition import Condition
from recordings.models.heartbeat import Heartbeat
from recordings.models.history import Loss, StateChange
from recordings.models.media import Attempt, Chunk, MediaFile, PauseInterval
from recordings.models.notification import Notification, NotificationDelivery
from recordings.models.recording import Adoption, Recording
from recordings.models.resource import EventSource, Resource

__all__ = [
    "Adoption",
    "Attempt",
    "Call",
    "Chunk",
    "Command",
    "Condition",
    "EventSource",
    "Heartbeat",
    "Loss",
    "MediaFile",
    "Notification",
    "NotificationDelivery",
    "Participant",
    "PauseInterval",
    "Presence",
    "Recording",
    "RecordingParticipant",
    "Resource",
    "StateChange",
]
