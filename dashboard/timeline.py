"""The wall-clock timeline of a recording: chunks as blocks, pauses as gaps, people as lanes, in percent of its span.

Media time and wall-clock time differ by the pauses: a pause is missing from the file and present on the wall.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from recordings.models import Chunk, Command, MediaFile, PauseInterval, Presence, Recording
from recordings.states import CommandVerb

SAME_MOMENT = timedelta(seconds=10)
"""A pause that began this near to a pause command is that command's doing."""
MOST_TICKS = 8
FIRST_LANE = 52
LANE = 18
TICK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Band:
    """A stretch of the timeline, in percent of its width, with what is said about it."""

    left: float
    width: float
    label: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, kw_only=True)
class Pause:
    """A pause with who asked for it, as far as that is known."""

    starts: datetime
    ends: datetime
    chunk_index: int
    who: str
    reason: str
    band: Band

    @property
    def duration_ms(self) -> int:
        return (self.ends - self.starts) // MILLISECOND


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One participant's stays."""

    name: str
    bands: tuple[Band, ...]
    y: int

    @property
    def text_y(self) -> int:
        return self.y + 11


@dataclass(frozen=True, kw_only=True)
class Timeline:
    starts: datetime
    ends: datetime
    chunks: tuple[Band, ...]
    pauses: tuple[Pause, ...]
    lanes: tuple[Lane, ...]
    ticks: tuple[Band, ...]

    @property
    def height(self) -> int:
        """Pixels: the times, the blocks, and a lane for each participant."""
        return FIRST_LANE + LANE * len(self.lanes)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One chunk on the wall: where it starts and ends there, and its pauses."""

    chunk: Chunk
    media: MediaFile | None
    starts: datetime
    ends: datetime
    pauses: tuple[PauseInterval, ...]

    @property
    def media_ms(self) -> int:
        return (self.ends - self.starts) // MILLISECOND - sum(pause.duration_ms for pause in self.pauses)


def pieces(recording: Recording, chunks: Sequence[Chunk]) -> list[Piece]:
    """The chunks that can be placed. Without metadata a chunk begins where the one before it ended."""
    placed: list[Piece] = []
    for chunk in chunks:
        media = next((file for file in chunk.files.all() if file.artefact == MediaFile.Artefact.MEDIA), None)
        before = placed[-1].ends if placed else recording.started_at
        starts = chunk.start_time or before
        length = _media_length(recording, chunk, media, chunks)
        if starts is None or length is None:
            continue
        pauses = tuple(chunk.pauses.all())
        ends = starts + timedelta(milliseconds=length + sum(pause.duration_ms for pause in pauses))
        placed.append(Piece(chunk=chunk, media=media, starts=starts, ends=ends, pauses=pauses))
    return placed


def _media_length(recording: Recording, chunk: Chunk, media: MediaFile | None, chunks: Sequence[Chunk]) -> int | None:
    if media is not None and media.duration_ms:
        return media.duration_ms
    return chunk.duration_ms or (recording.duration_ms if len(chunks) == 1 else None)


def draw(placed: Sequence[Piece], *, presences: Sequence[Presence], commands: Sequence[Command]) -> Timeline | None:
    """The timeline of `placed`; none when nothing can be placed."""
    if not placed:
        return None
    starts, ends = placed[0].starts, max(piece.ends for piece in placed)
    scale = _Scale(starts=starts, ends=max(ends, starts + SECOND))
    return Timeline(
        starts=starts,
        ends=scale.ends,
        chunks=tuple(
            scale.band(piece.starts, piece.ends, _("Chunk %(n)d") % {"n": piece.chunk.index}) for piece in placed
        ),
        pauses=tuple(scale.pause(pause, piece, commands) for piece in placed for pause in piece.pauses),
        lanes=_lanes(scale, presences),
        ticks=_ticks(scale),
    )


@dataclass(frozen=True, kw_only=True)
class _Scale:
    starts: datetime
    ends: datetime

    def percent(self, at: datetime) -> float:
        return round(100 * max(0.0, min(1.0, (at - self.starts) / (self.ends - self.starts))), 3)

    def band(self, starts: datetime, ends: datetime, label: str) -> Band:
        left, right = self.percent(starts), self.percent(ends)
        return Band(left=left, width=round(right - left, 3), label=label, starts=starts, ends=ends)

    def pause(self, pause: PauseInterval, piece: Piece, commands: Sequence[Command]) -> Pause:
        ends = pause.started_at + timedelta(milliseconds=pause.duration_ms)
        asked = next(
            (
                command
                for command in commands
                if command.verb == CommandVerb.PAUSE and abs(command.requested_at - pause.started_at) < SAME_MOMENT
            ),
            None,
        )
        return Pause(
            starts=pause.started_at,
            ends=ends,
            chunk_index=piece.chunk.index,
            who=str(asked.requested_by) if asked and asked.requested_by else "",
            reason=asked.reason if asked else "",
            band=self.band(pause.started_at, ends, _("Paused")),
        )


def _lanes(scale: _Scale, presences: Sequence[Presence]) -> tuple[Lane, ...]:
    in_order = sorted(presences, key=lambda stay: (stay.joined_at or scale.starts, str(stay.participant)))
    people = dict.fromkeys(str(stay.participant) for stay in in_order)
    return tuple(
        Lane(
            name=name,
            y=FIRST_LANE + LANE * number,
            bands=tuple(
                scale.band(stay.joined_at or scale.starts, stay.left_at or scale.ends, name)
                for stay in in_order
                if str(stay.participant) == name
            ),
        )
        for number, name in enumerate(people)
    )


def _ticks(scale: _Scale) -> tuple[Band, ...]:
    """Marks at round times, no more than fit."""
    span = (scale.ends - scale.starts).total_seconds()
    step = next((step for step in TICK_STEPS if span / step <= MOST_TICKS), TICK_STEPS[-1])
    first = -(-scale.starts.timestamp() // step) * step
    moments = (scale.starts + timedelta(seconds=first + n * step - scale.starts.timestamp()) for n in itertools.count())
    return tuple(scale.band(at, at, "") for at in itertools.takewhile(lambda at: at <= scale.ends, moments))
