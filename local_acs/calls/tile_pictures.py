"""The pictures a generated tile is put together from, painted once per person and tile size and then only copied."""

from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

from local_acs.calls.name_plate import INK, PLATE, Box, NamePlate, bars_mask, even, pill_mask
from local_acs.calls.person import Person
from local_acs.calls.picture_code import STRIP_HEIGHT, STRIP_WIDTH, strip_corner
from local_acs.calls.planes import Colour, Planes, colour, shrink, smooth_mask, text_mask

ANIMATION_FRAMES = 16
BACKGROUND = colour(17, 18, 22)
_TALKING = colour(98, 212, 130)
_STRIP_BED = Colour(44, 128, 128)
_BORDER = 4
_CLOCK_LETTERS = 8


class TilePictures:
    """Cards, animation frames and clock digits for one person at one size (both numbers even)."""

    def __init__(self, who: Person, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._who = who
        self._radius = even(height * 0.208)
        reach = self._radius + even(height / 16)
        self._avatar = Box(even(width / 2) - reach, even(height * 0.45) - reach, 2 * reach, 2 * reach)
        self._plate = NamePlate(who.display_name, width, height)
        self._digit = even(self._plate.text_size * 0.62)
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
            self._plate.meter.of(tile).put(levels)

    def draw_clock(self, tile: Planes, shown: str, before: str) -> None:
        """Copy the digits of the clock that differ from those there before; both texts are like 15:04:05."""
        for place, digit in enumerate(shown):
            if place < len(before) and digit == before[place]:
                continue
            box = self._digit_box(place)
            if (digit, place) not in self._digits:
                picture = box.of(self._cards[False]).copy()
                size = self._plate.text_size
                picture.tint(text_mask(digit, size=size, width=box.width, height=box.height, centred=True), INK)
                self._digits[digit, place] = picture
            box.of(tile).put(self._digits[digit, place])

    def _digit_box(self, place: int) -> Box:
        text = self._plate.text_size
        left = self.width - even(text * 0.9) - self._digit * (_CLOCK_LETTERS - place)
        return Box(left, even(text * 0.75), self._digit, even(text * 1.3))

    def _paint_card(self, *, talking: bool) -> Planes:
        card = Planes.blank(self.width, self.height, BACKGROUND)
        if talking:
            card.tint(_rounded(self.width, self.height, 0), _TALKING)
        card.tint(_rounded(self.width, self.height, _BORDER), self._who.backdrop)
        card.tint(self._glow(), self._who.accent)
        self._paint_avatar(self._avatar.of(card))
        self._plate.paint(card, resting=not talking)
        first = self._digit_box(0)
        pad = self._plate.pad
        clock = Box(first.x - pad, first.y, self._digit * _CLOCK_LETTERS + 2 * pad, first.height)
        clock.of(card).tint(pill_mask(clock), PLATE)
        Box(*strip_corner(self.width, self.height), STRIP_WIDTH, STRIP_HEIGHT).of(card).fill(_STRIP_BED)
        return card

    def _paint_avatar(self, avatar: Planes) -> None:
        disc, pen, scale = smooth_mask(avatar.width, avatar.height)
        _circle(pen, (avatar.width / 2, avatar.height / 2), self._radius, scale)
        avatar.tint(shrink(disc, scale), self._who.accent)
        size = even(self._radius * 0.85)
        avatar.tint(
            text_mask(self._who.initials, size=size, width=avatar.width, height=avatar.height, centred=True), INK
        )

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
            _circle(pen, (middle, middle), self._radius + gap * swing, scale, line=max(gap * 0.16, 1))
        angle = 2 * pi * frame / ANIMATION_FRAMES - pi / 2
        orbit = self._radius + gap * 0.55
        _circle(pen, (middle + orbit * cos(angle), middle + orbit * sin(angle)), gap * 0.24, scale)
        picture.tint(shrink(mask, scale), _TALKING if talking else self._who.accent)
        return picture

    def _levels(self, card: Planes, frame: int) -> Planes:
        picture = self._plate.meter.of(card).copy()
        heights = tuple(0.25 + 0.7 * abs(sin(2 * pi * (frame + 3 * bar) / (8 if bar % 2 else 16))) for bar in range(3))
        picture.tint(bars_mask(picture.width, heights), _TALKING)
        return picture


def _circle(
    pen: ImageDraw.ImageDraw, middle: tuple[float, float], radius: float, scale: int, *, line: float = 0
) -> None:
    """A disc, or a ring when `line` gives the width of one; all in pixels of the shrunk mask."""
    box = [(value + side * radius) * scale for side in (-1, 1) for value in middle]
    if line:
        pen.ellipse(box, outline=200, width=round(line * scale))
    else:
        pen.ellipse(box, fill=255)


def _rounded(width: int, height: int, inset: int) -> Image.Image:
    mask, pen, scale = smooth_mask(width, height, 2)
    radius = max(height // 24, 12) - inset
    box = [inset * scale, inset * scale, (width - inset) * scale - 1, (height - inset) * scale - 1]
    pen.rounded_rectangle(box, radius * scale, fill=255)
    return shrink(mask, scale)
