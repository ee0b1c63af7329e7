"""The visible time code can be read from every tile of every grid, after H.264 at a megabit a second."""

from fractions import Fraction

import av
import numpy as np
import pytest

from local_acs.calls.generated import GeneratedLeg
from local_acs.calls.grid import HEIGHT, WIDTH, tiles
from local_acs.calls.person import person
from local_acs.calls.planes import Planes, colour
from local_acs.calls.timecode import read_frame
from local_acs.recorder.composer import Composer

NOON = 1_795_348_800_000
BLACK = colour(0, 0, 0)


def grid_at(wall_ms: int, people: int) -> Planes:
    picture = Planes.blank(WIDTH, HEIGHT, BLACK)
    legs = [GeneratedLeg(person(f"8:acs:{number}", f"Person {number}")) for number in range(people)]
    Composer(picture).draw(legs, wall_ms)
    return picture


def through_h264(picture: Planes, *, bits_per_second: int) -> np.ndarray:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = WIDTH, HEIGHT, "yuv420p", 8
    encoder.time_base, encoder.bit_rate = Fraction(1, 8), bits_per_second
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    decoder = av.CodecContext.create("h264", "r")
    planes = np.concatenate([plane.ravel() for plane in (picture.y, picture.u, picture.v)])
    frame = av.VideoFrame.from_ndarray(planes.reshape(-1, WIDTH), format="yuv420p")
    packets = [packet for _ in range(8) for packet in encoder.encode(frame)]
    decoded = [out for packet in [*packets, None] for out in decoder.decode(packet)]
    return decoded[-1].to_ndarray()[:HEIGHT]


@pytest.mark.parametrize("people", range(1, 10))
def test_each_tile_of_a_grid_is_read(people):
    wall_ms = NOON + 123 * people
    assert read_frame(grid_at(wall_ms, people).y, WIDTH, HEIGHT) == dict.fromkeys(range(people), wall_ms)


@pytest.mark.parametrize("people", [1, 4, 9])
def test_it_survives_h264(people):
    luma = through_h264(grid_at(NOON + 125, people), bits_per_second=1_000_000)
    assert read_frame(luma, WIDTH, HEIGHT) == dict.fromkeys(range(people), NOON + 125)


def test_it_is_read_from_a_smaller_copy():
    luma = grid_at(NOON, 4).y[::2, ::2]
    assert read_frame(luma, WIDTH // 2, HEIGHT // 2) == dict.fromkeys(range(4), NOON)


def test_a_picture_without_tiles_says_nothing():
    assert read_frame(grid_at(NOON, 0).y, WIDTH, HEIGHT) == {}


def test_a_damaged_strip_says_nothing():
    picture = grid_at(NOON, 1)
    place = tiles(1)[0]
    strip = picture.y[place.y + place.height - 24 : place.y + place.height - 16]
    strip[:, WIDTH // 2 : WIDTH // 2 + 8] = 255 - strip[:, WIDTH // 2 : WIDTH // 2 + 8]
    assert read_frame(picture.y, WIDTH, HEIGHT) == {}
