"""What state callbacks change: the service's word about a recording, which may be one that other software started."""

from datetime import datetime
from typing import get_args

from django.db.models import Q

from recordings import adoption, buckets, evidence, identities
from recordings.acs.client import RemoteState
from recordings.acs.envelopes import Misunderstood
from recordings.acs.messages import RecordingStateChanged, StartRecordingFailed
from recordings.adoption import Sighting
from recordings.models import Call, Recording
from recordings.pipeline import ingest_calls
from recordings.pipeline.occasion import Occasion, Outcome
from recordings.states import RecordingState

_BORN: dict[RemoteState, RecordingState] = {"active": RecordingState.ACTIVE, "inactive": RecordingState.PAUSED}


def apply_state(occasion: Occasion, message: RecordingStateChanged) -> Outcome:
    """Applies the word to its recording; an unknown one is adopted in the state that the word says."""
    word = _word(message.state)
    sighting = _sighting(occasion, message, started_at=message.started_at)
    recording = _meant(occasion, sighting) or adoption.adopt(
        sighting,
        origin=Recording.Origin.CALLBACK,
        state=_BORN[word],
        because=f"Started by other software; first seen by its callback, which says {word}.",
        notification=occasion.notification,
        happened_at=occasion.told_at,
    )
    _link(recording, sighting.call, sighting.started_at)
    evidence.observe(recording, word, at=occasion.at, notification=occasion.notification)
    ingest_calls.end_with_call(recording, occasion)
    recording.refresh_from_db()
    return Outcome(sentence=f"The service says {word}.", recording=recording)


def apply_failed_start(occasion: Occasion, message: StartRecordingFailed) -> Outcome:
    """A start that the service had accepted came to nothing, unless a later word says otherwise."""
    sighting = _sighting(occasion, message, started_at=None)
    recording = _meant(occasion, sighting)
    told = " ".join(part for part in (message.message, f"({message.code})" if message.code else "") if part)
    because = f"The service could not begin the recording: {told}" if told else "The service could not begin it."
    if recording is None and not sighting.recording_id:
        raise Misunderstood("The event names no recording: it has no usable recordingId.")
    if recording is None:
        recording = adoption.adopt(
            sighting,
            origin=Recording.Origin.CALLBACK,
            state=RecordingState.FAILED,
            because=because[:500],
            notification=occasion.notification,
            happened_at=occasion.told_at,
        )
    newest = Q(confirmed_at=None) | Q(confirmed_at__lte=occasion.at)
    if Recording.objects.filter(newest, pk=recording.pk).update(confirmed_at=occasion.at, remote_state=""):
        evidence.start_failed(
            recording, message=because, code=message.code, at=occasion.at, notification=occasion.notification
        )
    recording.refresh_from_db()
    return Outcome(sentence=because, recording=recording)


def _word(state: str) -> RemoteState:
    for word in get_args(RemoteState):
        if state == word:
            return word  # type: ignore[no-any-return]
    raise Misunderstood(f"The event says the state {state!r}; only active and inactive are known.")


def _sighting(
    occasion: Occasion, message: RecordingStateChanged | StartRecordingFailed, *, started_at: datetime | None
) -> Sighting:
    call = adoption.meet(
        occasion.resource, server_call_id=message.server_call_id, correlation_id=message.correlation_id
    )
    return Sighting(
        resource=occasion.resource,
        recording_id=message.recording_id,
        call=call,
        started_at=occasion.believable(started_at),
    )


def _meant(occasion: Occasion, sighting: Sighting) -> Recording | None:
    """The recording whose own address the callback came to, unless it has another id; otherwise the one it names.

    The callback may overtake the answer to the start command that caused it: then it tells the recording its id.
    """
    addressed = occasion.notification.recording
    if addressed is None:
        return adoption.recognise(sighting, notification=occasion.notification)
    if not sighting.recording_id or addressed.recording_id == identities.normalised(sighting.recording_id):
        return addressed
    if addressed.recording_id is None:
        return adoption.name(addressed, sighting.recording_id, notification=occasion.notification)
    return adoption.recognise(sighting, notification=occasion.notification)


def _link(recording: Recording, call: Call | None, started_at: datetime | None) -> None:
    """Fills in call and start. Once a file has told the start, callbacks no longer change it."""
    adoption.place(recording, call)
    earlier = started_at and (recording.started_at is None or started_at < recording.started_at)
    if earlier and not recording.chunks.exists():
        Recording.objects.filter(pk=recording.pk).update(started_at=started_at)
        recording.refresh_from_db()
        buckets.settle(recording)
