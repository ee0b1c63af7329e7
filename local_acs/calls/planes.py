"""Pictures as three planes of YUV 4:2:0, the form in which x264 takes them: no conversion from RGB per frame."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Plane = NDArray[np.uint8]
"""Rows of samples, one byte each."""

_FONTS_WITH_MORE_SCRIPTS = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf"),
)
_LAST_LETTER_OF_DEFAULT_FONT = "~"


class Colour(NamedTuple):
    """A colour in limited-range BT.709: luma 16-235, chroma 16-240 around 128."""

    y: int
    u: int
    v: int


def colour(red: int, green: int, blue: int) -> Colour:
    """Turn full-range RGB (0-255) into BT.709 limited range, which is what H.264 at this size is taken for."""
    r, g, b = red / 255, green / 255, blue / 255
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return Colour(
        round(16 + 219 * luma), round(128 + 224 * (b - luma) / 1.8556), round(128 + 224 * (r - luma) / 1.5748)
    )


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture, or a rectangle of a larger one: `y` at full size, `u` and `v` at half of it. Writable views."""

    y: Plane
    u: Plane
    v: Plane

    @classmethod
    def blank(cls, width: int, height: int, fill: Colour) -> "Planes":
        """Return a new picture of one colour; both sizes are even."""
        picture = cls(
            np.empty((height, width), np.uint8),
            np.empty((height // 2, width // 2), np.uint8),
            np.empty((height // 2, width // 2), np.uint8),
        )
        picture.fill(fill)
        return picture

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    def part(self, x: int, y: int, width: int, height: int) -> "Planes":
        """Return the view of a rectangle; all four numbers are even, because chroma has half the resolution."""
        half = np.s_[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2]
        return Planes(self.y[y : y + height, x : x + width], self.u[half], self.v[half])

    def fill(self, fill: Colour) -> None:
        self.y[:], self.u[:], self.v[:] = fill

    def copy(self) -> "Planes":
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())

    def put(self, picture: "Planes") -> None:
        """Copy a picture of the same size over this one."""
        self.y[:], self.u[:], self.v[:] = picture.y, picture.u, picture.v

    def tint(self, mask: Image.Image, paint: Colour) -> None:
        """Lay a colour over this picture, as opaque as the mask (mode L, same size) says."""
        alpha = np.asarray(mask, np.uint16)
        coarse = np.asarray(mask.resize((self.width // 2, self.height // 2), Image.Resampling.BOX), np.uint16)
        _blend(self.y, alpha, paint.y)
        _blend(self.u, coarse, paint.u)
        _blend(self.v, coarse, paint.v)


def _blend(plane: Plane, alpha: NDArray[np.uint16], value: int) -> None:
    plane[:] = (plane * (255 - alpha) + value * alpha + 127) // 255


@lru_cache(maxsize=64)
def _font(size: int, *, more_scripts: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for path in _FONTS_WITH_MORE_SCRIPTS if more_scripts else ():
        if path.is_file():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def text_mask(text: str, *, size: int, width: int, height: int, centred: bool = False) -> Image.Image:
    """Return white text on black (mode L), vertically centred, shortened with an ellipsis when it is too wide."""
    font = _font(size, more_scripts=max(text, default=" ") > _LAST_LETTER_OF_DEFAULT_FONT)
    shown = text
    while len(shown) > 1 and font.getlength(shown) > width:
        shown = shown[:-2].rstrip() + "…"
    mask = Image.new("L", (width, height))
    left = (width - font.getlength(shown)) / 2 if centred else 0
    ImageDraw.Draw(mask).text((left, height / 2), shown, fill=255, font=font, anchor="lm")
    return mask


def text_width(text: str, *, size: int) -> int:
    """Return the width in pixels that `text_mask` needs for a text."""
    return round(_font(size, more_scripts=max(text, default=" ") > _LAST_LETTER_OF_DEFAULT_FONT).getlength(text)) + 2


def smooth_mask(width: int, height: int, scale: int = 4) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """Return a mask `scale` times too large, its pen and the scale; shrink it with `shrink` for smooth edges."""
    mask = Image.new("L", (width * scale, height * scale))
    return mask, ImageDraw.Draw(mask), scale


def shrink(mask: Image.Image, scale: int) -> Image.Image:
    return mask.resize((mask.width // scale, mask.height // scale), Image.Resampling.BOX)
