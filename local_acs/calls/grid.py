"""Where the tiles of a recorded call lie: up to 3x3, as the documentation of mixed recordings describes it."""

from functools import lru_cache
from typing import NamedTuple

WIDTH, HEIGHT = 1920, 1080
LARGEST_GRID = 9
_GAP = 16
_STEP = 16
"""Tiles start and end on macroblocks, so that a change in one costs nothing in its neighbour."""


class Rectangle(NamedTuple):
    """A tile's place in the frame, in pixels."""

    x: int
    y: int
    width: int
    height: int


def columns_and_rows(count: int) -> tuple[int, int]:
    """Return the size of the smallest grid that holds so many tiles."""
    for columns, rows in ((1, 1), (2, 1), (2, 2), (3, 2)):
        if count <= columns * rows:
            return columns, rows
    return 3, 3


@lru_cache(maxsize=LARGEST_GRID + 1)
def tiles(count: int) -> tuple[Rectangle, ...]:
    """Return the places of the first nine of `count` tiles, row by row; an incomplete last row is centred."""
    count = min(count, LARGEST_GRID)
    columns, rows = columns_and_rows(count)
    width = min((WIDTH - _GAP * (columns + 1)) // columns, (HEIGHT - _GAP * (rows + 1)) // rows * 16 // 9)
    width -= width % (2 * _STEP)
    height = width * 9 // 16 // _STEP * _STEP
    top = (HEIGHT - rows * height - (rows - 1) * _GAP) // 2 // 8 * 8
    places = []
    for index in range(count):
        row, column = divmod(index, columns)
        in_row = min(columns, count - row * columns)
        left = (WIDTH - in_row * width - (in_row - 1) * _GAP) // 2 // 8 * 8
        places.append(Rectangle(left + column * (width + _GAP), top + row * (height + _GAP), width, height))
    return tuple(places)
