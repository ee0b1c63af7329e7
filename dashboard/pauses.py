"""What is known of a recording's pauses, and from where: its metadata, or what was confirmed here while it ran."""

from collections.abc import Sequence
from dataclasses import dataclass

from recordings.models import Chunk, Recording
from recordings.states import RecordingState


@dataclass(frozen=True, kw_only=True)
class Known:
    """`told` counts the pauses in the metadata, and is none before all of it is here; `seen` those confirmed here."""

    told: int | None
    seen: int


def of(row: Recording, chunks: Sequence[Chunk]) -> Known:
    """The pauses of `row`. A chunk's start comes with its metadata, so a chunk without one has none."""
    has_metadata = bool(chunks) and all(chunk.start_time is not None for chunk in chunks)
    paused = row.changes.filter(media_file=None, new=RecordingState.PAUSED).exclude(old=RecordingState.PAUSED)
    return Known(told=sum(len(chunk.pauses.all()) for chunk in chunks) if has_metadata else None, seen=paused.count())
