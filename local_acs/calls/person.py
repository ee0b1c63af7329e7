"""What is fixed about a generated participant: initials, colours, voice, and when they talk."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from local_acs.calls.planes import Colour, colour
from local_acs.calls.sound_code import BANDS

TURN_MS = 3000
"""People talk or listen for a whole number of turns, counted on the wall clock."""

_PALETTE = (
    ((79, 107, 237), (30, 37, 66)),
    ((19, 161, 142), (19, 48, 48)),
    ((202, 80, 16), (58, 36, 26)),
    ((142, 86, 200), (45, 33, 62)),
    ((212, 64, 112), (60, 29, 42)),
    ((60, 140, 200), (23, 45, 60)),
    ((122, 150, 40), (39, 47, 24)),
    ((196, 143, 28), (55, 45, 22)),
    ((30, 136, 80), (20, 46, 32)),
    ((214, 92, 92), (58, 29, 29)),
    ((96, 94, 206), (35, 34, 64)),
    ((120, 128, 146), (36, 39, 47)),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A participant as drawn and heard. `voice` is 0-255, `band` the band of the audible time code."""

    participant_id: str
    display_name: str
    initials: str
    accent: Colour
    backdrop: Colour
    voice: int
    band: int

    def talks_at(self, wall_ms: int) -> bool:
        """Whether this person talks at a moment (ms since 1970); about every third turn, the same in each process."""
        return _talks_in(self.participant_id, wall_ms // TURN_MS)


def person(participant_id: str, display_name: str) -> Person:
    """Derive a person from id and name alone, so that two recorders of one call agree."""
    digest = _digest(participant_id)
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in display_name).split())
    accent, backdrop = _PALETTE[digest[1] % len(_PALETTE)]
    return Person(
        participant_id=participant_id,
        display_name=name or "Unknown",
        initials=_initials(name),
        accent=colour(*accent),
        backdrop=colour(*backdrop),
        voice=digest[0],
        band=digest[0] % BANDS,
    )


def _initials(display_name: str) -> str:
    words = [word for word in display_name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@lru_cache(maxsize=256)
def _talks_in(participant_id: str, turn: int) -> bool:
    return _digest(f"{participant_id} {turn}")[0] % 3 == 0


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="backslashreplace"), digest_size=8).digest()
