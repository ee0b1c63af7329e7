"""What the journal says about each chunk: when it ran, what was cut out of it, and who was in it."""

from dataclasses import dataclass
from pathlib import Path

from local_acs.recorder.journal import Fact, read_journal


@dataclass(frozen=True, slots=True)
class Pause:
    """Wall clock in ms since 1970 that is not in the media."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """A participant's stay; `channel` None unless they have one of their own."""

    participant_id: str
    channel: int | None
    joined_ms: int
    left_ms: int | None


@dataclass(frozen=True, slots=True)
class ChunkHistory:
    """`end_ms` and `end_reason` are None when the recorder died before it could close the chunk."""

    index: int
    start_ms: int
    end_ms: int | None
    end_reason: str | None
    pauses: tuple[Pause, ...]
    attendances: tuple[Attendance, ...]

    def wall_end_ms(self, media_ms: int) -> int:
        """Return the wall clock at which this much media ends, pauses skipped."""
        wall_ms = self.start_ms + media_ms
        for pause in self.pauses:
            if pause.start_ms >= wall_ms:
                break
            wall_ms += pause.end_ms - pause.start_ms
        return wall_ms

    def pauses_before(self, end_ms: int) -> list[Pause]:
        """Return the pauses that began before this moment."""
        return [pause for pause in self.pauses if pause.start_ms < end_ms]

    def present_before(self, end_ms: int) -> list[Attendance]:
        """Return who was there at some moment between the start of the chunk and this one, once each."""
        there = {
            one.participant_id: one
            for one in self.attendances
            if one.joined_ms < end_ms and (one.left_ms is None or one.left_ms > self.start_ms)
        }
        return list(there.values())


def chunk_histories(directory: Path) -> list[ChunkHistory]:
    """Return the chunks of a recording's journal in order; [] when it has none."""
    facts = read_journal(directory)
    closed = {fact.number("index"): fact for fact in facts if fact.what == "chunk_closed"}
    pauses, attendances = _pauses(facts), _attendances(facts)
    return [
        _chunk(opened, closed.get(opened.number("index")), pauses, attendances)
        for opened in facts
        if opened.what == "chunk_opened"
    ]


def _chunk(opened: Fact, closed: Fact | None, pauses: list[Pause], there: list[Attendance]) -> ChunkHistory:
    end_ms = closed.wall_ms if closed else None
    return ChunkHistory(
        index=opened.number("index"),
        start_ms=opened.wall_ms,
        end_ms=end_ms,
        end_reason=closed.text("reason") if closed else None,
        pauses=tuple(one for one in pauses if one.end_ms > opened.wall_ms and (not end_ms or one.start_ms < end_ms)),
        attendances=tuple(there),
    )


def _pauses(facts: list[Fact]) -> list[Pause]:
    pauses: list[Pause] = []
    since: int | None = None
    for fact in facts:
        if fact.what == "paused":
            since = fact.wall_ms
        elif fact.what in {"resumed", "stopped"} and since is not None:
            pauses.append(Pause(since, fact.wall_ms))
            since = None
    if since is not None:
        pauses.append(Pause(since, max(fact.wall_ms for fact in facts)))
    return pauses


def _attendances(facts: list[Fact]) -> list[Attendance]:
    there: dict[str, Attendance] = {}
    past: list[Attendance] = []
    for fact in facts:
        who = fact.text("participantId")
        if fact.what == "joined":
            channel = fact.number("channel") if fact.text("channel") else None
            left_ms = fact.number("leftMs") if fact.text("leftMs") else None
            there[who] = Attendance(who, channel, fact.number("joinedMs"), left_ms)
        elif fact.what == "left" and who in there:
            one = there.pop(who)
            past.append(Attendance(who, one.channel, one.joined_ms, fact.wall_ms))
    return past + list(there.values())
