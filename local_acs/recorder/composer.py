"""Lays the participants' tiles out into one picture, and keeps drawing only what changes in it."""

from collections.abc import Sequence

from local_acs.calls.grid import HEIGHT, LARGEST_GRID, WIDTH, Rectangle, tiles
from local_acs.calls.legs import Leg
from local_acs.calls.planes import Planes, colour, text_mask
from local_acs.calls.tile_pictures import BACKGROUND

_EMPTY_TEXT, _EMPTY_SIZE = "Nobody is in the call", 48


class Composer:
    """The grid of a call, painted into one picture that lives as long as the recording."""

    def __init__(self, picture: Planes) -> None:
        self._picture = picture
        self._shown: list[Leg] | None = None
        self._tiles: list[Planes] = []

    def draw(self, legs: Sequence[Leg], wall_ms: int) -> None:
        """Bring the picture to a moment (ms since 1970); nine legs are shown, in the order given."""
        shown = list(legs[:LARGEST_GRID])
        if shown != self._shown:
            self._lay_out(shown)
        for leg, tile in zip(shown, self._tiles, strict=True):
            leg.draw(tile, wall_ms)

    def _lay_out(self, shown: list[Leg]) -> None:
        self._picture.fill(BACKGROUND)
        self._shown = shown
        self._tiles = [self._picture.part(*place) for place in tiles(len(shown))]
        if not shown:
            middle = Rectangle(0, HEIGHT // 2 - _EMPTY_SIZE, WIDTH, 2 * _EMPTY_SIZE)
            text = text_mask(_EMPTY_TEXT, size=_EMPTY_SIZE, width=middle.width, height=middle.height, centred=True)
            self._picture.part(*middle).tint(text, colour(150, 154, 164))
