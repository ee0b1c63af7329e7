"""A leg: one participant's camera and microphone as a recorder takes them."""

from typing import Protocol

from local_acs.calls.planes import Planes
from local_acs.calls.sound_code import Samples


class Leg(Protocol):
    """What a recorder needs of a participant, whatever the picture and sound are made of.

    Both are functions of the wall clock (whole ms since 1970), so that two recorders of a call agree and a stalled
    recorder can make up what it missed. Moments are asked for in ascending order, possibly with gaps.
    """

    @property
    def participant_id(self) -> str: ...

    def sound(self, wall_ms: int, count: int) -> Samples:
        """Return `count` samples of the microphone from a moment on, mono, 16 kHz, -1..1."""
        ...

    def draw(self, tile: Planes, wall_ms: int) -> None:
        """Bring a tile up to date. A tile seen for the first time is drawn wholly, afterwards only what changes."""
        ...

    def close(self) -> None:
        """Let go of what the leg holds open."""
        ...
