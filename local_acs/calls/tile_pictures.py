"""The pictures a generated tile is put together from, painted once per person and tile size and then only copied."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from PIL import Image

from local_acs.calls.person import Person
from local_acs.calls.picture_code import STRIP_HEIGHT, STRIP_WIDTH, strip_corner
from local_acs.calls.planes import Colour, Planes, colour, shrink, smooth_mask, text_mask, text_width

ANIMATION_FRAMES = 16
BACKGROUND = colour(17, 18, 22)
_INK, _PLATE, _TALKING, _QUIET = colour(242, 243, 246), colour(14, 15, 18), colour(98, 212, 130), colour(150, 154, 164)
_BORDER = 4


@dataclass(frozen=True, slots=True)
class _Box:
    x: int
    y: int
    width: int
    height: int

    def of(self, picture: Planes) -> Planes:
        return picture.part(self.x, self.y, self.width, self.height)


class TilePictures:
    """Cards, animation frames and clock digits for one person at one size (both numbers even)."""

    def __init__(self, who: Person, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._who = who
        self._radius = height * 5 // 24 // 2 * 2
        reach = self._radius + _even(height // 16)
        self._avatar = _Box(width // 2 // 2 * 2 - reach, _even(height * 0.45) - reach, 2 * reach, 2 * reach)
        self._text = max(_even(height * 0.058), 20)
        self._meter = _Box(_even(self._text * 0.9), height - _even(self._text * 2.75), self._text, self._text)
        self._digit = _even(self._text * 0.62)
        self._cards = {talking: self._paint_card(talking=talking) for talking in (False, True)}
        self._frames: dict[tuple[bool, int], tuple[Planes, Planes]] = {}
        self._digits: dict[tuple[str, int], Planes] = {}

    def card(self, *, talking: bool) -> Planes:
        """Return the whole tile without what moves."""
        return self._cards[talking]

    def animate(self, tile: Planes, frame: int, *, talking: bool) -> None:
        """Copy the ring around the initials and the level meter, in one of `ANIMATION_FRAMES` phases, onto a tile."""
        if (talking, frame) not in self._frames:
            card = self._cards[talking]
            self._frames[talking, frame] = self._ring(card, frame, talking=talking), self._levels(card, frame)
        ring, levels = self._frames[talking, frame]
        self._avatar.of(tile).put(ring)
        if talking:
            self._meter.of(tile).put(levels)

    def draw_clock(self, tile: Planes, shown: str, before: str) -> None:
        """Copy the digits of the clock that differ from those there before; both texts are like 15:04:05."""
        for place, digit in enumerate(shown):
            if place < len(before) and digit == before[place]:
                continue
            box = self._digit_box(place)
            if (digit, place) not in self._digits:
                picture = box.of(self._cards[False]).copy()
                picture.tint(text_mask(digit, size=self._text, width=box.width, height=box.height, centred=True), _INK)
                self._digits[digit, place] = picture
            box.of(tile).put(self._digits[digit, place])

    def _digit_box(self, place: int) -> _Box:
        left = self.width - _even(self._text * 0.9) - self._digit * (8 - place)
        return _Box(left, _even(self._text * 0.75), self._digit, _even(self._text * 1.3))

    def _paint_card(self, *, talking: bool) -> Planes:
        card = Planes.blank(self.width, self.height, BACKGROUND)
        if talking:
            card.tint(_rounded(self.width, self.height, 0), _TALKING)
        card.tint(_rounded(self.width, self.height, _BORDER), self._who.backdrop)
        card.tint(self._glow(), self._who.accent)
        disc, pen, scale = smooth_mask(self._avatar.width, self._avatar.height)
        middle = self._avatar.width / 2
        pen.ellipse([(middle - self._radius) * scale, (middle - self._radius) * scale,
                     (middle + self._radius) * scale, (middle + self._radius) * scale], fill=255)  # fmt: skip
        avatar = self._avatar.of(card)
        avatar.tint(shrink(disc, scale), self._who.accent)
        avatar.tint(text_mask(self._who.initials, size=_even(self._radius * 0.85), width=avatar.width,
                              height=avatar.height, centred=True), _INK)  # fmt: skip
        self._paint_plates(card, talking=talking)
        return card

    def _paint_plates(self, card: Planes, *, talking: bool) -> None:
        """The name with its level meter on the left below, the clock on the right above, the bed of the code strip."""
        name_left = self._meter.x + _even(self._text * 1.35)
        room = self.width - name_left - self._text
        name_width = _even(min(text_width(self._who.display_name, size=self._text), room)) + 2
        pad = _even(self._text * 0.3)
        plate = _Box(self._meter.x - pad, self._meter.y - pad,
                     name_left + name_width - self._meter.x + 2 * pad + 2, self._text + 2 * pad)  # fmt: skip
        plate.of(card).tint(_pill(plate), _PLATE)
        name = _Box(name_left, plate.y, name_width, plate.height)
        name.of(card).tint(
            text_mask(self._who.display_name, size=self._text, width=name.width, height=name.height), _INK
        )
        if not talking:
            self._meter.of(card).tint(_bars(self._meter.width, (0.22, 0.22, 0.22)), _QUIET)
        first = self._digit_box(0)
        clock = _Box(first.x - pad, first.y, self._digit * 8 + 2 * pad, first.height)
        clock.of(card).tint(_pill(clock), _PLATE)
        x, y = strip_corner(self.width, self.height)
        _Box(x, y, STRIP_WIDTH, STRIP_HEIGHT).of(card).fill(Colour(44, 128, 128))

    def _glow(self) -> Image.Image:
        """A light from behind the avatar, faint at the edges."""
        y, x = np.mgrid[0 : self.height, 0 : self.width]
        centre_y = self._avatar.y + self._avatar.height / 2
        distance = np.hypot((x - self.width / 2) / self.width, (y - centre_y) / self.height)
        light = np.clip(0.34 * (1 - distance / 0.62), 0, 1) * np.asarray(_rounded(self.width, self.height, _BORDER))
        return Image.fromarray(light.astype(np.uint8))

    def _ring(self, card: Planes, frame: int, *, talking: bool) -> Planes:
        """The surroundings of the avatar: a dot on its orbit, and while talking a ring that breathes."""
        picture = self._avatar.of(card).copy()
        mask, pen, scale = smooth_mask(picture.width, picture.height, 2)
        middle, gap = picture.width / 2, (picture.width / 2 - self._radius)
        if talking:
            swing = 0.35 + 0.3 * abs(sin(2 * pi * frame / 8)) + 0.2 * abs(sin(2 * pi * frame / 16))
            reach = self._radius + gap * swing
            pen.ellipse([(middle - reach) * scale, (middle - reach) * scale,
                         (middle + reach) * scale, (middle + reach) * scale],
                        outline=200, width=max(round(gap * 0.16 * scale), 2))  # fmt: skip
        angle = 2 * pi * frame / ANIMATION_FRAMES - pi / 2
        orbit, dot = self._radius + gap * 0.55, gap * 0.24
        x, y = middle + orbit * cos(angle), middle + orbit * sin(angle)
        pen.ellipse([(x - dot) * scale, (y - dot) * scale, (x + dot) * scale, (y + dot) * scale], fill=255)
        picture.tint(shrink(mask, scale), _TALKING if talking else self._who.accent)
        return picture

    def _levels(self, card: Planes, frame: int) -> Planes:
        picture = self._meter.of(card).copy()
        heights = tuple(0.25 + 0.7 * abs(sin(2 * pi * (frame + 3 * bar) / (8 if bar % 2 else 16))) for bar in range(3))
        picture.tint(_bars(picture.width, heights), _TALKING)
        return picture


def _even(value: float) -> int:
    return round(value / 2) * 2


def _rounded(width: int, height: int, inset: int) -> Image.Image:
    mask, pen, scale = smooth_mask(width, height, 2)
    radius = max(height // 24, 12) - inset
    box = [inset * scale, inset * scale, (width - inset) * scale - 1, (height - inset) * scale - 1]
    pen.rounded_rectangle(box, radius * scale, fill=255)
    return shrink(mask, scale)


def _pill(box: _Box) -> Image.Image:
    mask, pen, scale = smooth_mask(box.width, box.height)
    pen.rounded_rectangle([0, 0, mask.width - 1, mask.height - 1], box.height * scale // 4, fill=190)
    return shrink(mask, scale)


def _bars(size: int, heights: tuple[float, ...]) -> Image.Image:
    mask, pen, scale = smooth_mask(size, size)
    each = mask.width / len(heights)
    for bar, height in enumerate(heights):
        top = mask.height * (1 - height) / 2
        pen.rounded_rectangle([bar * each + each * 0.2, top, bar * each + each * 0.8, mask.height - top],
                              each * 0.3, fill=255)  # fmt: skip
    return shrink(mask, scale)
