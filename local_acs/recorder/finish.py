"""Finishes a recording that has ended, or whose recorder was killed: final media files and their metadata."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local_acs import clock
from local_acs.recorder.history import Attendance, ChunkHistory, Pause, chunk_histories
from local_acs.recorder.lock import sole_use
from local_acs.recorder.probe import Contents, probe
from local_acs.recorder.recording import SESSION_ENDED, part_path
from local_acs.recorder.salvage import make_final, sync
from local_acs.recorder.spec import Spec, moment

DocumentIds = Sequence[str] | Callable[[int], str]


@dataclass(frozen=True, slots=True)
class FinishedChunk:
    """A final media file. `duration_ms` is the media's, `wall_duration_ms` includes the pauses.

    `pauses` are (start, duration in ms); `participants` are (participant id, channel or None).
    """

    index: int
    media_path: Path
    metadata_path: Path
    start_time: datetime
    duration_ms: int
    wall_duration_ms: int
    end_reason: str
    participants: tuple[tuple[str, int | None], ...]
    pauses: tuple[tuple[datetime, int], ...]
    bytes: int


def finish(recording_dir: Path, *, document_ids: DocumentIds, wait_seconds: float = 10.0) -> list[FinishedChunk]:
    """Make `chunk-<index>.<format>` and `chunk-<index>.metadata.json` of all chunks that hold media.

    May be called any number of times and after a crash at any moment, of the recorder or of itself: what is done is
    kept. `document_ids` gives the chunkDocumentId by index. Returns [] when nothing was recorded.
    Waits so long for a recorder that is just stopping, then raises StillRecordingError. Raises OSError when there is no
    room (call it again later).
    """
    spec = Spec.read(recording_dir)
    with sole_use(recording_dir, wait_seconds=wait_seconds):
        finished = [
            _finish_chunk(recording_dir, spec, history, document_ids) for history in chunk_histories(recording_dir)
        ]
    return [chunk for chunk in finished if chunk is not None]


def _finish_chunk(
    directory: Path, spec: Spec, history: ChunkHistory, document_ids: DocumentIds
) -> FinishedChunk | None:
    final = directory / f"chunk-{history.index}.{spec.format}"
    part = part_path(directory, history.index, spec.format)
    channels = _channels_used(spec, history)
    if final.exists():
        part.unlink(missing_ok=True)
    elif not (part.exists() and make_final(part, final, channels=channels)):
        return None
    contents = probe(final)
    end_ms = history.end_ms or history.wall_end_ms(contents.duration_ms)
    pauses, present = history.pauses_before(end_ms), _captured(spec, history, end_ms)
    document_id = document_ids(history.index) if callable(document_ids) else document_ids[history.index]
    metadata = directory / f"chunk-{history.index}.metadata.json"
    _write_json(metadata, _metadata(spec, history, contents, document_id=document_id, pauses=pauses, present=present))
    return FinishedChunk(
        index=history.index,
        media_path=final,
        metadata_path=metadata,
        start_time=moment(history.start_ms),
        duration_ms=contents.duration_ms,
        wall_duration_ms=end_ms - history.start_ms,
        end_reason=history.end_reason or SESSION_ENDED,
        participants=tuple((one.participant_id, one.channel) for one in present),
        pauses=tuple((moment(pause.start_ms), pause.end_ms - pause.start_ms) for pause in pauses),
        bytes=final.stat().st_size,
    )


def _captured(spec: Spec, history: ChunkHistory, end_ms: int) -> list[Attendance]:
    """Who can be heard in the file: in an unmixed one, only those who had a channel."""
    present = history.present_before(end_ms)
    return [one for one in present if spec.channel != "unmixed" or one.channel is not None]


def _channels_used(spec: Spec, history: ChunkHistory) -> int:
    if spec.channel != "unmixed":
        return 1
    end_ms = history.end_ms if history.end_ms is not None else max(one.joined_ms for one in history.attendances) + 1
    used = [one.channel for one in history.present_before(end_ms) if one.channel is not None]
    return max(used, default=0) + 1


def _metadata(
    spec: Spec,
    history: ChunkHistory,
    contents: Contents,
    *,
    document_id: str,
    pauses: list[Pause],
    present: list[Attendance],
) -> dict[str, object]:
    """The metadata document (azure-docs call-recording.md, "Metadata schema"), stating what is in the file."""
    info: dict[str, object] = {
        "contentType": spec.content,
        "channelType": spec.channel,
        "format": spec.format,
        "audioConfiguration": {
            "sampleRate": contents.sample_rate,
            "bitRate": contents.audio_bit_rate,
            "channels": contents.channels,
        },
    }
    if contents.width:
        info["videoConfiguration"] = {
            "longerSideLength": max(contents.width, contents.height),
            "shorterSideLength": min(contents.width, contents.height),
            "framerate": contents.framerate,
            "bitRate": contents.video_bit_rate,
        }
    return {
        "resourceId": spec.resource_id,
        "callId": spec.call_id,
        "chunkDocumentId": document_id,
        "chunkIndex": history.index,
        "chunkStartTime": clock.event_time(moment(history.start_ms)),
        "chunkDuration": contents.duration_ms,
        "pauseResumeIntervals": [
            {"startTime": clock.event_time(moment(pause.start_ms)), "duration": pause.end_ms - pause.start_ms}
            for pause in pauses
        ],
        "recordingInfo": info,
        "participants": [
            {"participantId": one.participant_id} | ({} if one.channel is None else {"channel": one.channel})
            for one in present
        ],
    }


def _write_json(path: Path, document: dict[str, object]) -> None:
    ready = path.with_suffix(".ready")
    ready.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    sync(ready)
    ready.replace(path)
