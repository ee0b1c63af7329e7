"""The visible time code: a strip of light and dark cells at the foot of each generated tile that survives H.264.

64 cells, most significant bit first: 42 bits of wall clock in ms since 1970, 8 bits naming the voice, 14 bits of CRC.
"""

from binascii import crc_hqx

import numpy as np

from local_acs.calls.grid import HEIGHT, LARGEST_GRID, WIDTH, tiles
from local_acs.calls.planes import Plane

CELL = 8
CELLS = 64
STRIP_WIDTH, STRIP_HEIGHT = CELL * CELLS, CELL
FOOT = 24
"""The strip starts so many pixels above the lower edge of its tile, horizontally centred."""

_LIGHT, _DARK = 200, 44
_LEAST_CONTRAST = 40
_VOICE_BITS, _CRC_BITS = 8, 14


def strip(wall_ms: int, voice: int) -> Plane:
    """Return the luma of the strip for a moment (ms since 1970) and a voice (0-255)."""
    body = wall_ms << _VOICE_BITS | voice
    word = body << _CRC_BITS | _crc(body)
    bits = np.unpackbits(np.frombuffer(word.to_bytes(8, "big"), np.uint8))
    row = np.where(np.repeat(bits, CELL), _LIGHT, _DARK).astype(np.uint8)
    return np.broadcast_to(row, (STRIP_HEIGHT, STRIP_WIDTH))


def strip_corner(width: int, height: int) -> tuple[int, int]:
    """Return the left upper corner of the strip in a tile of that size, in pixels."""
    return (width - STRIP_WIDTH) // 2 // CELL * CELL, height - FOOT


def read_frame(plane_y: Plane, width: int, height: int) -> dict[int, int]:
    """Return {tile index: wall clock in ms} for the tiles of a decoded frame that carry a readable code.

    The grid is not known, so each possible one is tried; the one in which most tiles can be read is it.
    """
    best: dict[int, int] = {}
    for count in range(1, LARGEST_GRID + 1):
        read = _read_grid(plane_y[:height, :width], count)
        if len(read) > len(best):
            best = read
    return best


def _read_grid(luma: Plane, count: int) -> dict[int, int]:
    read: dict[int, int] = {}
    for index, place in enumerate(tiles(count)):
        dx, dy = strip_corner(place.width, place.height)
        wall_ms = _read_strip(luma, place.x + dx, place.y + dy)
        if wall_ms is not None:
            read[index] = wall_ms
    return read


def _read_strip(luma: Plane, x: int, y: int) -> int | None:
    rows, columns = luma.shape
    inner = (np.arange(CELLS)[:, None] + np.array([0.3, 0.5, 0.7])) * CELL + x
    across = (inner * columns / WIDTH).astype(np.int64)
    down = ((np.array([0.3, 0.5, 0.7]) * CELL + y) * rows / HEIGHT).astype(np.int64)
    level = luma[down[:, None, None], across[None]].mean(axis=(0, 2))
    if level.max() - level.min() < _LEAST_CONTRAST:
        return None
    bits = level > (level.max() + level.min()) / 2
    word = int.from_bytes(np.packbits(bits).tobytes(), "big")
    body, crc = word >> _CRC_BITS, word & (1 << _CRC_BITS) - 1
    return body >> _VOICE_BITS if crc == _crc(body) else None


def _crc(body: int) -> int:
    return crc_hqx(body.to_bytes(8, "big"), 0xACDC) & (1 << _CRC_BITS) - 1
