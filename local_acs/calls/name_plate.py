"""The plate with a participant's name, on the left at the foot of their tile, with room for a level meter before it."""

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from local_acs.calls.planes import Planes, colour, shrink, smooth_mask, text_mask, text_width

INK, PLATE = colour(242, 243, 246), colour(14, 15, 18)
_QUIET = colour(150, 154, 164)
_RESTING = (0.22, 0.22, 0.22)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle within a tile; all numbers are even."""

    x: int
    y: int
    width: int
    height: int

    def of(self, picture: Planes) -> Planes:
        return picture.part(self.x, self.y, self.width, self.height)


class NamePlate:
    """The plate for one name on tiles of one size. `text_size` is the height of the tile's lettering in pixels."""

    def __init__(self, name: str, width: int, height: int) -> None:
        self.text_size = text = max(even(height * 0.058), 20)
        self.pad = even(text * 0.3)
        self.meter = Box(even(text * 0.9), height - even(text * 2.75), text, text)
        left = self.meter.x + even(text * 1.35)
        letters = even(min(text_width(name, size=text), width - left - text)) + 2
        top = self.meter.y - self.pad
        self._box = Box(self.meter.x - self.pad, top, left + letters - self.meter.x + 2 * self.pad, text + 2 * self.pad)
        self._name = Box(left, top, letters, self._box.height)
        self._back = pill_mask(self._box)
        self._letters = text_mask(name, size=text, width=letters, height=self._box.height)

    def paint(self, tile: Planes, *, resting: bool = True) -> None:
        """Lay the plate and the name over a tile, and the level meter at rest unless somebody else draws it."""
        self._box.of(tile).tint(self._back, PLATE)
        self._name.of(tile).tint(self._letters, INK)
        if resting:
            self.meter.of(tile).tint(bars_mask(self.meter.width, _RESTING), _QUIET)


def even(value: float) -> int:
    """Return the nearest even number: chroma has half the resolution."""
    return round(value / 2) * 2


def pill_mask(box: Box) -> Image.Image:
    """Return the mask of a see-through plate with round corners."""
    mask, pen, scale = smooth_mask(box.width, box.height)
    pen.rounded_rectangle([0, 0, mask.width - 1, mask.height - 1], box.height * scale // 4, fill=190)
    return shrink(mask, scale)


@lru_cache(maxsize=64)
def bars_mask(size: int, heights: tuple[float, ...]) -> Image.Image:
    """Return the mask of a level meter: a bar for each height (0-1)."""
    mask, pen, scale = smooth_mask(size, size)
    each = mask.width / len(heights)
    for bar, height in enumerate(heights):
        top = mask.height * (1 - height) / 2
        box = [bar * each + each * 0.2, top, bar * each + each * 0.8, mask.height - top]
        pen.rounded_rectangle(box, each * 0.3, fill=255)
    return shrink(mask, scale)
