"""The CloudEvents and callbacks this service sends, in the shapes of the public schemas.

Sources: Azure REST API specs, eventgrid/data-plane/Microsoft.Communication 2018-01-01 (call events, recording file
status); azure-docs call-recording.md of 2021-04 (the older recording file event); Azure SDK for Java call automation
tests (RecordingStateChanged).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from local_acs.clock import callback_time, event_time
from local_acs.documents import Json, JsonObject
from local_acs.models import Call, Participant, Recording, StoredObject
from local_acs.settings import EventProfile

SUBSCRIPTION_PATH = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/tapedeck"
    "/providers/microsoft.communication/communicationservices/local-acs"
)
_TWO_PARTIES = 2
_CONTENT = {"audio": "Audio", "audioVideo": "AudioVideo"}


def call_started(call: Call, now: datetime) -> JsonObject:
    subject = f"call/{call.server_call_id}/startedBy/{call.started_by}"
    return _event("CallStarted", subject, now, _call_data(call))


def call_ended(call: Call, now: datetime) -> JsonObject:
    data = _call_data(call) | {
        "endedBy": _person(call.started_by),
        "reason": {"code": 0, "subCode": 0, "phrase": "CallEnded"},
        "durationOfCall": (now - call.started_at).total_seconds(),
    }
    return _event("CallEnded", f"call/{call.server_call_id}", now, data)


def participant_added(call: Call, participant: Participant, now: datetime) -> JsonObject:
    return _participant_event("CallParticipantAdded", call, participant, now)


def participant_removed(call: Call, participant: Participant, now: datetime) -> JsonObject:
    return _participant_event("CallParticipantRemoved", call, participant, now)


def recording_file_status_updated(
    recording: Recording,
    chunks: Sequence[StoredObject],
    *,
    endpoint: str,
    duration_ms: int,
    profile: EventProfile,
    now: datetime,
) -> JsonObject:
    """The one event that tells of files: every chunk of the recording, with the URLs to fetch and delete it.

    The 2021-04 profile has only documentId, index and endReason of a chunk and names the call alone in its subject.
    """
    old = profile == "2021-04"
    described: list[Json] = [_chunk(chunk, endpoint, old=old) for chunk in chunks]
    data: JsonObject = {
        "recordingStorageInfo": {"recordingChunks": described},
        "recordingStartTime": event_time(recording.started_at or recording.requested_at),
        "recordingDurationMs": duration_ms,
        "sessionEndReason": recording.session_end_reason or "CallEnded",
    }
    subject = f"/recording/call/{recording.call.call_id}"
    if not old:
        subject += f"/serverCallId/{recording.call.server_call_id}/recordingId/{recording.recording_id}"
        data |= {
            "recordingContentType": _CONTENT[recording.content],
            "recordingChannelType": recording.channel.capitalize(),
            "recordingFormatType": recording.format.capitalize(),
        }
    return _event("RecordingFileStatusUpdated", subject, now, data)


def recording_state_changed(recording: Recording, state: str, now: datetime) -> list[Json]:
    """The body of a callback: an array of one CloudEvent. A paused recording is `inactive`, as is an ended one."""
    call = recording.call
    subject = f"calling/recordings/{call.server_call_id}/recordingId/{recording.recording_id}"
    event: JsonObject = {
        "id": str(uuid4()),
        "source": f"{subject}/RecordingStateChanged",
        "type": "Microsoft.Communication.RecordingStateChanged",
        "data": {
            "type": "recordingStateChanged",
            "recordingId": recording.recording_id,
            "state": state,
            "startDateTime": callback_time(recording.started_at or recording.requested_at),
            "recordingKind": "azureCommunicationServices",
            "callConnectionId": call.connection_id,
            "serverCallId": call.server_call_id,
            "correlationId": call.call_id,
        },
        "time": callback_time(now),
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "subject": subject,
    }
    return [event]


def _event(name: str, subject: str, now: datetime, data: JsonObject) -> JsonObject:
    return {
        "id": str(uuid4()),
        "source": SUBSCRIPTION_PATH,
        "subject": subject,
        "data": data,
        "type": f"Microsoft.Communication.{name}",
        "specversion": "1.0",
        "time": event_time(now),
    }


def _chunk(chunk: StoredObject, endpoint: str, *, old: bool) -> JsonObject:
    described: JsonObject = {
        "documentId": chunk.document_id,
        "index": chunk.index,
        "endReason": chunk.end_reason,
    }
    if old:
        return described
    place = f"{endpoint}/v1/objects/{chunk.document_id}"
    return described | {
        "contentLocation": f"{place}/content/video",
        "metadataLocation": f"{place}/content/acsmetadata",
        "deleteLocation": place,
    }


def _call_data(call: Call) -> JsonObject:
    return {
        "startedBy": _person(call.started_by),
        "serverCallId": call.server_call_id,
        "group": {"id": call.group_id},
        "room": {"id": call.room_id or ""},
        "isTwoParty": sum(person.left_at is None for person in call.participants) == _TWO_PARTIES,
        "correlationId": call.call_id,
        "isRoomsCall": call.room_id is not None,
    }


def _participant_event(name: str, call: Call, participant: Participant, now: datetime) -> JsonObject:
    data = _call_data(call) | {
        "user": _person(participant.participant_id),
        "displayName": participant.display_name,
        "participantId": participant.participant_id,
        "userAgent": "local_acs",
    }
    return _event(name, f"call/{call.server_call_id}/participant/{participant.participant_id}", now, data)


def _person(mri: str) -> JsonObject:
    identifier: JsonObject = {"kind": "communicationUser", "rawId": mri, "communicationUser": {"id": mri}}
    return {"communicationIdentifier": identifier, "role": "Participant"}
