"""A recording in progress: makes the media of each moment of the wall clock outside pauses, once, and writes it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from local_acs.calls.legs import Leg
from local_acs.calls.sound_code import PER_MS, RATE, Samples
from local_acs.recorder.cast import Cast
from local_acs.recorder.composer import Composer
from local_acs.recorder.journal import Journal
from local_acs.recorder.mixer import MixedSound, UnmixedSound
from local_acs.recorder.mp4_writer import FRAMES_PER_SECOND, Mp4Writer, PictureFrame
from local_acs.recorder.sound_writers import Mp3Writer, WavWriter
from local_acs.recorder.spec import Participant, Spec

TICK_MS = 1000 // FRAMES_PER_SECOND

TOO_LARGE, TOO_LONG, SESSION_ENDED = "ChunkMaximumSizeExceeded", "ChunkMaximumTimeExceeded", "SessionEnded"
"""Why a chunk ended (Azure REST API, CallRecording: ChunkEndReason)."""


class Writer(Protocol):
    """A chunk's file. `samples` counts its media per channel, `bytes` what it holds."""

    samples: int
    bytes: int

    @property
    def headroom(self) -> int:
        """Bytes that the next tick may add."""
        ...

    def write(self, sound: Samples) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Seat:
    """A participant's leg and when it is in the call."""

    participant: Participant
    leg: Leg

    def taken_at(self, wall_ms: int) -> bool:
        left_ms = self.participant.left_ms
        return self.participant.joined_ms <= wall_ms and (left_ms is None or wall_ms < left_ms)


class Recording:
    """Moments are ms since 1970 and never go back. The media is made up to the moment it was last told."""

    def __init__(self, spec: Spec, directory: Path, journal: Journal, cast: Cast) -> None:
        self._spec, self._directory, self._journal, self._cast = spec, directory, journal, cast
        self._mixer = UnmixedSound(spec.channel_order) if spec.channel == "unmixed" else MixedSound()
        self._picture = PictureFrame() if spec.format == "mp4" else None
        self._composer = Composer(self._picture.planes) if self._picture else None
        self._writer: Writer | None = None
        self._chunk = -1
        self._seats: list[_Seat] = []
        self._made_to: int | None = None
        self._cut_ms = 0

    @property
    def due_ms(self) -> int | None:
        """When the next tick will have passed and can be made; None while paused."""
        return None if self._made_to is None else self._made_to + TICK_MS

    def start(self, at_ms: int) -> None:
        """Begin, paused when the specification says so."""
        self._journal.write("started", at_ms)
        for participant in self._spec.participants:
            self._cast.deal(participant.participant_id)
            if participant.left_ms is None or participant.left_ms > at_ms:
                self.join(participant, at_ms)
        if self._spec.pause_on_start:
            self._journal.write("paused", at_ms)
        else:
            self._made_to = at_ms

    def join(self, participant: Participant, at_ms: int) -> None:
        """Seat a participant, from the moment they joined on."""
        self.leave(participant.participant_id, participant.joined_ms)
        channel = self._mixer.channel_of(participant.participant_id)
        self._journal.write(
            "joined", at_ms, participantId=participant.participant_id, joinedMs=participant.joined_ms,
            leftMs=participant.left_ms, channel=channel,
        )  # fmt: skip
        self._seats.append(_Seat(participant, self._cast.leg(participant)))

    def leave(self, participant_id: str, left_ms: int) -> None:
        """Empty a participant's seat from a moment on; nothing happens when they have none."""
        for index, seat in enumerate(self._seats):
            if seat.participant.participant_id == participant_id and seat.participant.left_ms is None:
                self._seats[index] = _Seat(replace(seat.participant, left_ms=left_ms), seat.leg)
                self._journal.write("left", left_ms, participantId=participant_id)

    def advance(self, now_ms: int) -> None:
        """Make all ticks that have passed at this moment."""
        while self._made_to is not None and self._made_to + TICK_MS <= now_ms:
            self._make(self._made_to, TICK_MS)

    def pause(self, at_ms: int) -> int:
        """Cut at this moment, or where the media has got to if that is later; return the moment of the cut."""
        if self._made_to is not None:
            self._cut(at_ms)
            at_ms, self._made_to = self._made_to, None
            self._cut_ms = at_ms
            self._journal.write("paused", at_ms)
        return at_ms

    def resume(self, at_ms: int) -> int:
        """Go on from this moment, but never from before the cut, which would repeat what is recorded; return it."""
        if self._made_to is None:
            at_ms = max(at_ms, self._cut_ms)
            self._journal.write("resumed", at_ms)
            self._made_to = at_ms
        return at_ms

    def stop(self, at_ms: int, reason: str) -> None:
        """Make what is left up to this moment, and end the file."""
        if self._made_to is not None:
            self._cut(at_ms)
            at_ms, self._made_to = self._made_to, None
        self._close_chunk(at_ms, SESSION_ENDED)
        self._journal.write("stopped", at_ms, reason=reason)
        for seat in self._seats:
            seat.leg.close()

    def _cut(self, at_ms: int) -> None:
        self.advance(at_ms)
        if self._made_to is not None and at_ms > self._made_to:
            self._make(self._made_to, at_ms - self._made_to)

    def _make(self, wall_ms: int, length_ms: int) -> None:
        """Draw, mix and write one tick, or the part of one before a cut."""
        legs = self._legs_at(wall_ms)
        writer = self._writer_at(wall_ms)
        if self._composer:
            self._composer.draw(legs, wall_ms)
        writer.write(self._mixer.mix(legs, wall_ms, length_ms * PER_MS))
        self._made_to = wall_ms + length_ms

    def _legs_at(self, wall_ms: int) -> list[Leg]:
        """The legs in the call; seats left for good are cleared."""
        gone = [seat for seat in self._seats if (seat.participant.left_ms or wall_ms + 1) <= wall_ms]
        for seat in gone:
            self._seats.remove(seat)
            seat.leg.close()
        return [seat.leg for seat in self._seats if seat.taken_at(wall_ms)]

    def _writer_at(self, wall_ms: int) -> Writer:
        if self._writer is not None:
            if self._writer.bytes + self._writer.headroom > self._spec.chunk_bytes and self._writer.samples >= RATE:
                self._close_chunk(wall_ms, TOO_LARGE)
            elif self._writer.samples >= self._spec.chunk_seconds * RATE:
                self._close_chunk(wall_ms, TOO_LONG)
        if self._writer is None:
            self._writer = self._open_chunk(wall_ms)
        return self._writer

    def _open_chunk(self, wall_ms: int) -> Writer:
        self._chunk += 1
        self._journal.write("chunk_opened", wall_ms, index=self._chunk)
        path = part_path(self._directory, self._chunk, self._spec.format)
        if self._picture:
            return Mp4Writer(path, self._picture)
        return Mp3Writer(path) if self._spec.format == "mp3" else WavWriter(path, self._mixer.channels)

    def _close_chunk(self, wall_ms: int, reason: str) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._journal.write("chunk_closed", wall_ms, index=self._chunk, reason=reason)


def part_path(directory: Path, index: int, suffix: str) -> Path:
    """Return where a chunk is written before `finish` has made it final."""
    return directory / f"chunk-{index}.part.{suffix}"
