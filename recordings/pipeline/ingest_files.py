"""What a file event changes: the recording is over, and its chunks lie in temporary storage until they expire."""

from datetime import datetime, timedelta

from recordings import adoption, buckets, evidence, losses
from recordings.acs.envelopes import Misunderstood
from recordings.acs.messages import AnnouncedChunk, FileEvent
from recordings.adoption import Sighting
from recordings.models import Call, Chunk, MediaFile, Recording, StateChange
from recordings.pipeline import ending
from recordings.pipeline.occasion import Occasion, Outcome
from recordings.states import MediaState, RecordingState

END_BELIEVED_WITHIN = timedelta(days=1)
"""The service announces a file minutes after its end; a stated end further from the event than this is not believed."""
_LOCATIONS = ("content_location", "metadata_location", "delete_location")


def apply(occasion: Occasion, event: FileEvent) -> Outcome:
    call = adoption.meet(occasion.resource, server_call_id=event.server_call_id, call_id=event.call_id)
    recording = _recording(occasion, event, call)
    _learn(recording, occasion, event, call)
    problems = [*event.problems]
    announced = 0
    for announcement in event.chunks:
        chunk, new = _chunk(recording, occasion, event, announcement)
        if chunk.recording_id != recording.pk:
            problems.append(f"Document {chunk.document_id} belongs to another recording already and stays there.")
            continue
        announced += new
        if new:
            losses.recover(recording, chunk_index=chunk.index, because="A file event announced it.")
    end = ending.end_of(Recording.objects.get(pk=recording.pk)) or occasion.at
    because = "Its file was announced, so it is over."
    evidence.ended(recording, at=end, because=because, notification=occasion.notification)
    ending.settle_end(recording)
    buckets.settle(recording)
    recording.refresh_from_db()
    chunks = "1 new chunk was" if announced == 1 else f"{announced} new chunks were"
    told = f"{chunks} announced." if announced else "Announced nothing that was not known."
    return Outcome(sentence=told, recording=recording, problems=tuple(problems))


def _recording(occasion: Occasion, event: FileEvent, call: Call | None) -> Recording:
    """The recording that the event speaks of, locked; one that nobody here started is adopted."""
    sighting = Sighting(
        resource=occasion.resource,
        recording_id=event.recording_id,
        call_id=event.call_id,
        call=call,
        started_at=occasion.believable(event.started_at),
        document_ids=[chunk.document_id for chunk in event.chunks],
    )
    known = adoption.recognise(sighting, notification=occasion.notification)
    if known is None and not sighting.identity:
        raise Misunderstood("The event names neither a recording nor the start of one, and lists no usable file.")
    recording = known or adoption.adopt(
        sighting,
        origin=Recording.Origin.FILE_EVENT,
        state=RecordingState.ENDED,
        because="Started by other software; first seen when its file was announced.",
        notification=occasion.notification,
        happened_at=occasion.told_at,
    )
    return Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)


def _learn(recording: Recording, occasion: Occasion, event: FileEvent, call: Call | None) -> None:
    """Fills in what was unknown. The file's own start replaces any other: earlier ones were taken from our clock."""
    facts: dict[str, object] = {
        "content_type": recording.content_type or event.kinds.content_type,
        "channel_type": recording.channel_type or event.kinds.channel_type,
        "format_type": recording.format_type or event.kinds.format_type,
        "remote_call_id": recording.remote_call_id or event.call_id,
        "session_end_reason": min(filter(None, (recording.session_end_reason, event.session_end_reason)), default=""),
    }
    start = occasion.believable(event.started_at)
    if start is not None:
        told_before = recording.started_at if recording.chunks.exists() else None
        facts["started_at"] = min(told_before or start, start)
    if event.duration_ms is not None:
        facts["duration_ms"] = max(recording.duration_ms or 0, event.duration_ms)
    Recording.objects.filter(pk=recording.pk).update(**facts)
    recording.refresh_from_db()
    adoption.place(recording, call)


def _chunk(
    recording: Recording, occasion: Occasion, event: FileEvent, announcement: AnnouncedChunk
) -> tuple[Chunk, bool]:
    """The chunk with that document id, and whether it is new. A twin of a known event fills in what was left out."""
    expires_at, basis = expiry(occasion, event)
    chunk, new = Chunk.objects.get_or_create(
        resource=occasion.resource,
        document_id=announcement.document_id,
        defaults={
            "recording": recording,
            "index": announcement.index,
            "end_reason": announcement.end_reason,
            "announced_at": occasion.at,
            "announced_by": occasion.notification,
            "expires_at": expires_at,
            "expires_basis": basis,
            **{location: getattr(announcement, location) for location in _LOCATIONS},
        },
    )
    if not new and chunk.recording_id == recording.pk:
        _complete(chunk, occasion, announcement, expires_at, basis)
    if chunk.recording_id == recording.pk:
        for artefact in MediaFile.Artefact:
            _file(chunk, artefact, occasion)
    return chunk, new


def _complete(
    chunk: Chunk, occasion: Occasion, announcement: AnnouncedChunk, expires_at: datetime, basis: Chunk.ExpiryBasis
) -> None:
    for field in (*_LOCATIONS, "end_reason"):
        setattr(chunk, field, getattr(chunk, field) or getattr(announcement, field))
    chunk.announced_at = min(chunk.announced_at, occasion.at)
    chunk.expires_at, chunk.expires_basis = min((chunk.expires_at, chunk.expires_basis), (expires_at, basis))
    chunk.save(update_fields=[*_LOCATIONS, "end_reason", "announced_at", "expires_at", "expires_basis"])


def _file(chunk: Chunk, artefact: MediaFile.Artefact, occasion: Occasion) -> None:
    file, new = MediaFile.objects.get_or_create(chunk=chunk, artefact=artefact)
    if new:
        StateChange.objects.create(
            recording=chunk.recording,
            media_file=file,
            new=MediaState.ANNOUNCED,
            because="Its file event came.",
            notification=occasion.notification,
            happened_at=occasion.told_at,
        )


def expiry(occasion: Occasion, event: FileEvent) -> tuple[datetime, Chunk.ExpiryBasis]:
    """When temporary storage drops the files, at the earliest, and what that is reckoned from.

    The service does not document when its retention begins, so the earliest moment at which the file can have been
    available counts. Arrival here counts only for an event that says nothing about time.
    """
    told = occasion.told_at
    begins: list[tuple[datetime, Chunk.ExpiryBasis]] = []
    if told is not None:
        begins.append((told, Chunk.ExpiryBasis.EVENT_TIME))
    start = occasion.believable(event.started_at)
    if start is not None and event.duration_ms is not None:
        end = occasion.believable(start + timedelta(milliseconds=event.duration_ms))
        if end is not None and abs(end - occasion.at) <= END_BELIEVED_WITHIN:
            begins.append((end, Chunk.ExpiryBasis.RECORDING_END))
    begin, basis = min(begins, default=(occasion.notification.received_at, Chunk.ExpiryBasis.ARRIVAL))
    return begin + timedelta(seconds=occasion.resource.retention_seconds), basis
