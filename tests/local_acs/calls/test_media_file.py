"""A media file becomes a camera and a microphone, in a loop that follows the wall clock."""

import logging

import numpy as np
import pytest
from PIL import Image

from local_acs.calls.generated import GeneratedLeg
from local_acs.calls.media_file import BadMediaFileError, MediaFileLeg
from local_acs.calls.person import person
from local_acs.calls.planes import Planes, colour
from local_acs.recorder.cast import Cast
from local_acs.recorder.spec import Participant
from tests.local_acs.media_files import grey

WHO = person("8:acs:resource_ada", "Ada Lovelace")
LOOPS = 2000 * 897_000_000
BLACK = colour(0, 0, 0)


@pytest.fixture
def play():
    legs = []

    def open_leg(path) -> MediaFileLeg:
        legs.append(MediaFileLeg(WHO, path))
        return legs[-1]

    yield open_leg
    for leg in legs:
        leg.close()


def middle_at(leg, wall_ms: int, picture: Planes | None = None) -> int:
    picture = picture or Planes.blank(320, 180, BLACK)
    leg.draw(picture, wall_ms)
    return int(picture.y[60, 160])


def pitch(samples: np.ndarray) -> int:
    return int(np.abs(np.fft.rfft(samples)).argmax() * 16_000 / len(samples))


def test_the_picture_is_that_of_the_moment(make_media, play):
    leg, picture = play(make_media("film.mp4")), Planes.blank(320, 180, BLACK)
    shown = [middle_at(leg, LOOPS + 100 * step + 50, picture) for step in range(20)]
    assert shown == pytest.approx([grey(step) for step in range(20)], abs=3)


def test_it_starts_again_at_its_end(make_media, play):
    leg = play(make_media("film.mp4"))
    assert middle_at(leg, LOOPS + 1950) == pytest.approx(grey(19), abs=3)
    assert middle_at(leg, LOOPS + 2050) == pytest.approx(grey(0), abs=3)


def test_after_a_gap_it_goes_on_where_the_clock_is(make_media, play):
    leg = play(make_media("film.mp4", seconds=10))
    start = 10_000 * 179_400_000
    moments = (start + 150, start + 7250, start + 9950, start + 13_050)
    assert [middle_at(leg, at) for at in moments] == pytest.approx([grey(1), grey(72), grey(99), grey(30)], abs=3)


def test_two_recorders_see_the_same(make_media, play):
    path = make_media("film.mp4")
    early, late = play(path), play(path)
    middle_at(early, LOOPS + 50)
    assert middle_at(early, LOOPS + 1450) == middle_at(late, LOOPS + 1450)


def test_a_picture_of_another_shape_is_letterboxed(make_media, play):
    picture = Planes.blank(320, 180, BLACK)
    play(make_media("tall.mp4", size=(90, 160))).draw(picture, LOOPS + 50)
    assert picture.y[60, 5] == picture.y[60, 315] == 20
    assert picture.y[60, 160] == pytest.approx(grey(0), abs=3)


def test_its_sound_is_resampled_and_goes_on_over_the_loop(make_media, play):
    leg = play(make_media("film.mp4"))
    sound = np.concatenate([leg.sound(LOOPS + 1000 + 125 * step, 2000) for step in range(16)])
    assert pitch(sound) == pytest.approx(440, abs=2)
    assert 0.1 < np.abs(sound[:8000]).max() < 0.5
    assert np.abs(sound[18_000:20_000]).max() > 0.1


def test_its_sound_is_found_after_a_gap(make_media, play):
    leg = play(make_media("film.mp4", seconds=10))
    assert pitch(leg.sound(100, 8000)) == pitch(leg.sound(8000, 8000)) == pytest.approx(440, abs=4)


def test_a_film_without_sound_is_silent(make_media, play):
    assert not play(make_media("mute.mp4", sound=False)).sound(LOOPS, 2000).any()


def test_sound_without_pictures_has_the_generated_tile(make_media, play):
    leg, generated = play(make_media("song.m4a", picture=False)), GeneratedLeg(WHO)
    seen, wanted = Planes.blank(896, 496, BLACK), Planes.blank(896, 496, BLACK)
    leg.draw(seen, LOOPS)
    generated.draw(wanted, LOOPS)
    assert np.array_equal(seen.y, wanted.y)
    assert leg.sound(LOOPS, 2000).any()


def test_a_still_picture_stays(tmp_path, play):
    Image.new("RGB", (100, 100), (128, 128, 128)).save(tmp_path / "still.png")
    leg = play(tmp_path / "still.png")
    assert middle_at(leg, LOOPS) == middle_at(leg, LOOPS + 5500) == pytest.approx(126, abs=3)


def test_an_unchanged_picture_is_not_drawn_again_but_a_new_tile_is(make_media, play):
    leg, picture = play(make_media("film.mp4")), Planes.blank(320, 180, BLACK)
    leg.draw(picture, LOOPS + 10)
    picture.fill(BLACK)
    assert middle_at(leg, LOOPS + 20, picture) == BLACK.y
    assert middle_at(leg, LOOPS + 30) == pytest.approx(grey(0), abs=3)


@pytest.mark.parametrize("content", [b"", b"no media at all"])
def test_a_bad_file_says_its_name(tmp_path, content):
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(BadMediaFileError, match=r"bad\.mp4"):
        MediaFileLeg(WHO, tmp_path / "bad.mp4")


def test_a_file_that_fails_while_playing_is_replaced(make_media, play, caplog):
    path = make_media("song.m4a", picture=False, seconds=4)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 4000)
    leg = play(path)
    generated = GeneratedLeg(WHO).sound(LOOPS + 3900, 1600)
    assert np.array_equal([leg.sound(LOOPS + at, 1600) for at in range(0, 4000, 100)][-1], generated)
    assert f"{path} fails while playing" in caplog.text


def someone(name: str) -> Participant:
    return Participant(f"8:acs:{name}", name, 0)


def test_files_are_dealt_in_the_order_people_come(make_media):
    cast = Cast(make_media("film.mp4").parent)
    legs = [cast.leg(someone(name)) for name in ("ada", "grace", "ada")]
    assert [type(leg) for leg in legs] == [MediaFileLeg, GeneratedLeg, MediaFileLeg]
    for leg in legs:
        leg.close()


def test_who_was_dealt_a_bad_file_is_generated(tmp_path, caplog):
    (tmp_path / "bad.mp4").write_bytes(b"no media at all")
    assert isinstance(Cast(tmp_path).leg(someone("ada")), GeneratedLeg)
    assert "bad.mp4 cannot be read" in caplog.text
    assert "ada is generated instead" in caplog.text


def test_a_folder_that_is_not_there_is_named(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    assert isinstance(Cast(tmp_path / "none").leg(someone("ada")), GeneratedLeg)
    assert "the media folder cannot be read" in caplog.text
