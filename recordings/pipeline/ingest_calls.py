"""What call events change: when a call began and ended, and who was in it."""

from django.db.models import Q

from recordings import adoption, buckets, calls, evidence
from recordings.acs.messages import CallEnded, CallIds, CallStarted, ParticipantAdded, ParticipantRemoved
from recordings.models import Call, Recording
from recordings.pipeline import ending
from recordings.pipeline.occasion import Occasion, Outcome
from recordings.states import LIVE, RecordingState


def apply_start(occasion: Occasion, message: CallStarted) -> Outcome:
    """The call is live, unless its end is known already. A start after a known end opens the call anew."""
    call = _call(occasion, message.call)
    if call.started_at is None or occasion.at > call.started_at:
        call.started_at = occasion.at
    if call.ended_at and call.ended_at < call.started_at:
        call.ended_at, call.end_reason = None, ""
    call.started_by = call.started_by or message.started_by
    call.save(update_fields=["started_at", "ended_at", "end_reason", "started_by"])
    return Outcome(sentence="A call began.")


def apply_end(occasion: Occasion, message: CallEnded) -> Outcome:
    """The call is over, and with it its recordings. An end older than the newest start belongs to an earlier life."""
    call = _call(occasion, message.call)
    if call.started_at and occasion.at < call.started_at:
        return Outcome(sentence="A call ended, and had begun again since.")
    if call.ended_at is None or (occasion.at, message.reason) > (call.ended_at, call.end_reason):
        call.ended_at, call.end_reason = occasion.at, message.reason
    call.started_by = call.started_by or message.started_by
    call.save(update_fields=["ended_at", "end_reason", "started_by"])
    over = call.recordings.filter(Q(state__in=LIVE) | Q(state=RecordingState.REQUESTED, recording_id__isnull=False))
    ended = [
        recording
        for recording in over
        if evidence.ended(recording, at=occasion.at, because="Its call ended.", notification=occasion.notification)
    ]
    for recording in call.recordings.filter(state=RecordingState.ENDED):
        ending.settle_end(recording)
    count = f" {len(ended)} recording(s) ended with it." if ended else ""
    return Outcome(sentence=f"A call ended.{count}")


def apply_participant(occasion: Occasion, message: ParticipantAdded | ParticipantRemoved) -> Outcome:
    """Somebody came or went, which the pages of the call's recordings show."""
    call = _call(occasion, message.call)
    came = isinstance(message, ParticipantAdded)
    person = calls.remember_person(occasion.resource, message.raw_id, display_name=message.display_name, at=occasion.at)
    calls.remember_stay(call, person, joined=occasion.at if came else None, left=None if came else occasion.at)
    for recording in call.recordings.all():
        buckets.settle(recording)
    who = message.display_name or message.raw_id
    return Outcome(sentence=f"{who[:150]} {'joined' if came else 'left'} a call.")


def end_with_call(recording: Recording, occasion: Occasion) -> None:
    """Ends a recording whose call is known to have ended since the word at hand: the end came before the recording."""
    call = recording.call
    if call and call.ended_at and recording.is_live and occasion.at <= call.ended_at:
        evidence.ended(recording, at=call.ended_at, because="Its call had ended.", notification=occasion.notification)


def _call(occasion: Occasion, ids: CallIds) -> Call:
    call = adoption.meet(occasion.resource, server_call_id=ids.server_call_id, correlation_id=ids.correlation_id)
    assert call is not None  # noqa: S101 - a server call id always gives a call
    return call
