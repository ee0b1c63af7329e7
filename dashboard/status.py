"""What is said of a recording's state: never more than is known.

“Paused” is only said once it was confirmed. Between a command and its confirmation the old state stands, marked as
unconfirmed with the time since. A service that said yes and did something else is shown as contradicted.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from recordings.models import Command, Recording
from recordings.states import Bucket, CommandState, CommandVerb, RecordingState


@dataclass(frozen=True, kw_only=True)
class Status:
    """`word` and `kind` name the state; `unconfirmed_since` is none when the service has borne it out."""

    kind: str
    word: str
    note: str = ""
    detail: str = ""
    unconfirmed_since: datetime | None = None
    confirmed_at: datetime | None = None
    alarm: bool = False


ICONS = {
    "requested": "loader",
    "active": "dot",
    "paused": "pause",
    "stopping": "square",
    "ended": "check",
    "failed": "circle-x",
    "recording": "dot",
    "awaiting_file": "hourglass",
    "in_temporary_storage": "cloud",
    "retrieving": "cloud-download",
    "secured": "shield-check",
    "erased": "eraser",
    "no_media": "circle-slash",
    "lost": "triangle-alert",
}
"""The sprite's icon for each state and each bucket."""


def of(recording: Recording, command: Command | None) -> Status:
    """The status of `recording`, whose newest command is `command`."""
    word = state_words()[RecordingState(recording.state)]
    if command is not None and command.is_open:
        return Status(kind=recording.state, word=word, note=_open_note(command), unconfirmed_since=command.requested_at)
    if command is not None and command.state == CommandState.CONTRADICTED:
        note, detail = _contradictions()[CommandVerb(command.verb)]
        return Status(
            kind=recording.state, word=word, note=note, detail=detail, alarm=True, confirmed_at=recording.confirmed_at
        )
    note = ""
    if command is not None and command.state == CommandState.FAILED:
        note = _("%(verb)s was refused: %(error)s") % {"verb": command.get_verb_display(), "error": command.error}
    if recording.confirmed_at is None and recording.is_live:
        return Status(kind=recording.state, word=word, note=note, unconfirmed_since=recording.requested_at)
    return Status(kind=recording.state, word=word, note=note, alarm=bool(note), confirmed_at=recording.confirmed_at)


def state_words() -> dict[RecordingState, str]:
    return {
        RecordingState.REQUESTED: _("Starting"),
        RecordingState.ACTIVE: _("Recording"),
        RecordingState.PAUSED: _("Paused"),
        RecordingState.STOPPING: _("Stopping"),
        RecordingState.ENDED: _("Ended"),
        RecordingState.FAILED: _("Did not start"),
    }


def bucket_words() -> dict[Bucket, str]:
    return {
        Bucket.RECORDING: _("Recording"),
        Bucket.AWAITING_FILE: _("Awaiting file"),
        Bucket.IN_TEMPORARY_STORAGE: _("In temporary storage"),
        Bucket.RETRIEVING: _("Retrieving"),
        Bucket.SECURED: _("Secured"),
        Bucket.ERASED: _("Erased"),
        Bucket.NO_MEDIA: _("No media"),
        Bucket.LOST: _("Lost"),
    }


def _open_note(command: Command) -> str:
    asked = {
        CommandVerb.START: _("start asked"),
        CommandVerb.PAUSE: _("pause asked"),
        CommandVerb.RESUME: _("resume asked"),
        CommandVerb.STOP: _("stop asked"),
    }
    acknowledged = {
        CommandVerb.START: _("start acknowledged"),
        CommandVerb.PAUSE: _("pause acknowledged"),
        CommandVerb.RESUME: _("resume acknowledged"),
        CommandVerb.STOP: _("stop acknowledged"),
    }
    words = acknowledged if command.state == CommandState.ACKNOWLEDGED else asked
    return words[CommandVerb(command.verb)]


def _contradictions() -> dict[CommandVerb, tuple[str, str]]:
    """In a few words for a row, and in a sentence."""
    return {
        CommandVerb.START: (
            _("contradicted: not recording"),
            _("The service said yes to the start, and does not record."),
        ),
        CommandVerb.PAUSE: (
            _("contradicted: not paused"),
            _("The service said yes to the pause, and goes on recording. Pause again, or stop."),
        ),
        CommandVerb.RESUME: (
            _("contradicted: not resumed"),
            _("The service said yes to the resume, and does not record. Resume again."),
        ),
        CommandVerb.STOP: (
            _("contradicted: not stopped"),
            _("The service said yes to the stop, and goes on. Stop again."),
        ),
    }
