"""What an archived metadata document teaches about its chunk: times, pauses and people."""

from recordings.acs import metadata
from recordings.models import Chunk, Participant, PauseInterval, Recording, RecordingParticipant


def learn(chunk: Chunk, document: bytes) -> None:
    """Writes the document's facts into the chunk's rows. Belongs into a transaction; doing it twice changes nothing."""
    told = metadata.parse(document)
    Chunk.objects.filter(pk=chunk.pk).update(start_time=told.start_time, duration_ms=told.duration_ms)
    for pause in told.pauses:
        PauseInterval.objects.update_or_create(
            chunk=chunk, started_at=pause.started_at, defaults={"duration_ms": pause.duration_ms}
        )
    for member in told.participants:
        participant, _ = Participant.objects.get_or_create(resource=chunk.resource, raw_id=member.raw_id)
        appearance, _ = RecordingParticipant.objects.get_or_create(recording=chunk.recording, participant=participant)
        if member.channel is not None and appearance.channel != member.channel:
            appearance.channel = member.channel
            appearance.save(update_fields=["channel"])
    _learn_of_recording(chunk.recording, told)


def _learn_of_recording(recording: Recording, told: metadata.Metadata) -> None:
    """Fills in what the file event left out; what is known already is not overwritten."""
    fresh = Recording.objects.get(pk=recording.pk)
    learnt = {
        "remote_call_id": told.call_id,
        "content_type": told.kinds.content_type,
        "channel_type": told.kinds.channel_type,
        "format_type": told.kinds.format_type,
    }
    facts = {name: value for name, value in learnt.items() if value and not getattr(fresh, name)}
    if facts:
        Recording.objects.filter(pk=fresh.pk).update(**facts)
