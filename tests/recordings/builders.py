"""Events as the service has written them since 2021, each a plain function with defaults; and a way to process them.

Times are offsets in seconds from `T0`. Ids are made of short names, so that a test reads as what happens to whom.
"""

import json
from datetime import UTC, datetime, timedelta

from recordings.models import Notification, Recording, Resource
from recordings.pipeline import ingest, notification

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Communication/communicationServices/contoso"
ENDPOINT = "https://contoso.unitedstates.communication.azure.com"
STORE = "https://eus-storage.asm.skype.com/v1/objects"
RETENTION = 86_400

Json = dict[str, object]


def resource(endpoint: str = ENDPOINT, *, retention_seconds: int = RETENTION) -> Resource:
    row, _ = Resource.objects.get_or_create(
        endpoint=endpoint, defaults={"key": "contoso", "retention_seconds": retention_seconds}
    )
    return row


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    """As the service writes moments: seven digits of a second."""
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def take(*events: object, to: Recording | None = None) -> list[Notification]:
    """Accepts and ingests events one by one, as they would arrive; returns their inbox rows in that order."""
    taken = []
    for event in events:
        body = event if isinstance(event, bytes | str) else json.dumps(event)
        for row in notification.accept(body, resource=resource(), recording=to):
            ingest.ingest(row.pk)
            row.refresh_from_db()
            taken.append(row)
    return taken


def cloud_event(kind: str, data: object, *, seconds: float = 0, subject: str = "", event_id: str = "") -> Json:
    return {
        "id": event_id or f"ce-{kind}-{seconds}",
        "source": TOPIC,
        "subject": subject,
        "type": f"Microsoft.Communication.{kind}",
        "time": stamp(seconds),
        "specversion": "1.0",
        "data": data,
    }


def grid_event(kind: str, data: object, *, seconds: float = 0, subject: str = "", event_id: str = "") -> Json:
    """The Event Grid schema, which webhooks get in an array and queues get bare."""
    return {
        "id": event_id or f"eg-{kind}-{seconds}",
        "topic": TOPIC,
        "subject": subject,
        "data": data,
        "eventType": f"Microsoft.Communication.{kind}",
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": stamp(seconds),
    }


def chunk(document: str = "doc-0", index: object = 0, *, end_reason: str = "SessionEnded", **changed: object) -> Json:
    return {
        "documentId": document,
        "index": index,
        "endReason": end_reason,
        "contentLocation": f"{STORE}/{document}/content/video",
        "metadataLocation": f"{STORE}/{document}/content/acsmetadata",
        "deleteLocation": f"{STORE}/{document}",
        **changed,
    }


def bare_chunk(document: str = "doc-0", index: object = 0, *, end_reason: str = "SessionEnded") -> Json:
    """A chunk of 2021-04: no locations."""
    return {"documentId": document, "index": index, "endReason": end_reason}


def file_data(*chunks: object, seconds: float = 0, duration_ms: object = 60_000, **changed: object) -> Json:
    return {
        "recordingStorageInfo": {"recordingChunks": list(chunks or (chunk(),))},
        "recordingStartTime": stamp(seconds),
        "recordingDurationMs": duration_ms,
        "sessionEndReason": "CallEnded",
        **changed,
    }


def kinds(content: str = "AudioVideo", channel: str = "Mixed", file_format: str = "Mp4") -> Json:
    return {"recordingContentType": content, "recordingChannelType": channel, "recordingFormatType": file_format}


def file_event(*chunks: object, recording: str = "rec-1", call: str = "call-1", seconds: float = 120) -> Json:
    """RecordingFileStatusUpdated as it comes today: CloudEvents, all three ids in the subject, kinds in Pascal case."""
    return cloud_event(
        "RecordingFileStatusUpdated",
        file_data(*chunks, **kinds()),
        seconds=seconds,
        subject=f"/recording/call/{call}-guid/serverCallId/{call}/recordingId/{recording}",
    )


def file_event_in_grid_schema(
    *chunks: object, recording: str = "rec-1", call: str = "call-1", seconds: float = 120
) -> Json:
    """Its twin in the other schema, with another event id."""
    return grid_event(
        "RecordingFileStatusUpdated",
        file_data(*chunks, **kinds()),
        seconds=seconds,
        subject=f"/recording/call/{call}-guid/serverCallId/{call}/recordingId/{recording}",
    )


def file_event_2021(*chunks: object, call: str = "call-1", seconds: float = 120) -> Json:
    """RecordingFileStatusUpdated of 2021-04: no recordingId, no serverCallId, no locations, no kinds."""
    return grid_event(
        "RecordingFileStatusUpdated",
        file_data(*(chunks or (bare_chunk(),))),
        seconds=seconds,
        subject=f"/recording/call/{call}-guid",
    )


def state_callback(
    state: str = "active", *, recording: str = "rec-1", call: str = "call-1", seconds: float = 1, **changed: object
) -> Json:
    return {
        "id": f"cb-{recording}-{state}-{seconds}",
        "source": f"calling/recordings/{call}/recordingId/{recording}/RecordingStateChanged",
        "subject": f"calling/recordings/{call}/recordingId/{recording}",
        "type": "Microsoft.Communication.RecordingStateChanged",
        "time": at(seconds).isoformat(),
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "data": {
            "type": "recordingStateChanged",
            "recordingId": recording,
            "state": state,
            "startDateTime": at(0).isoformat(),
            "serverCallId": call,
            "correlationId": f"{call}-guid",
            **changed,
        },
    }


def start_failed(*, recording: str = "rec-1", call: str = "call-1", seconds: float = 2) -> Json:
    return cloud_event(
        "StartRecordingFailed",
        {
            "recordingId": recording,
            "serverCallId": call,
            "correlationId": f"{call}-guid",
            "resultInformation": {"code": 400, "subCode": 8527, "message": "Invalid join identity, cannot join call."},
        },
        seconds=seconds,
    )


def person(raw_id: str = "8:acs:alice") -> Json:
    return {"communicationIdentifier": {"rawId": raw_id, "communicationUser": {"id": raw_id}}, "role": "UserRole"}


def call_data(call: str = "call-1", **changed: object) -> Json:
    return {
        "startedBy": person(),
        "serverCallId": call,
        "group": {"id": "00000000-0000-0000-0000-000000000000"},
        "isTwoParty": None,
        "correlationId": f"{call}-guid",
        "isRoomsCall": False,
        **changed,
    }


def call_started(call: str = "call-1", *, seconds: float = -60) -> Json:
    return cloud_event("CallStarted", call_data(call), seconds=seconds, subject=f"call/{call}")


def call_ended(call: str = "call-1", *, seconds: float = 60, **changed: object) -> Json:
    reason: Json = {"reason": {"code": 0, "subCode": 0, "phrase": "Normal"}, "callDurationInSeconds": 120}
    return cloud_event("CallEnded", call_data(call, **(reason | changed)), seconds=seconds, subject=f"call/{call}")


def joined(raw_id: str = "8:acs:alice", name: str = "Alice", *, call: str = "call-1", seconds: float = -50) -> Json:
    return _participant("CallParticipantAdded", raw_id, name, call, seconds)


def left(raw_id: str = "8:acs:alice", name: str = "Alice", *, call: str = "call-1", seconds: float = 50) -> Json:
    return _participant("CallParticipantRemoved", raw_id, name, call, seconds)


def _participant(kind: str, raw_id: str, name: str, call: str, seconds: float) -> Json:
    data = call_data(call, user=person(raw_id), displayName=name, participantId=f"p-{raw_id}", endpointType="x")
    return cloud_event(kind, data, seconds=seconds, event_id=f"{kind}-{raw_id}-{seconds}")


def incoming_call(context: object = "a.secret.token") -> Json:
    return cloud_event("IncomingCall", {"serverCallId": "call-1", "incomingCallContext": context}, subject="/caller/c")


def validation(code: str = "512d38b6") -> Json:
    return {
        "id": "validation",
        "topic": TOPIC,
        "subject": "",
        "data": {"validationCode": code, "validationUrl": f"https://rp-eastus2.eventgrid.azure.net:553/?token={code}"},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": stamp(0),
        "metadataVersion": "1",
        "dataVersion": "1",
    }
