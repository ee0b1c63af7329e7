"""Generated media is a function of who it is and what time it is."""

import numpy as np
import pytest

from local_acs.calls.generated import GeneratedLeg
from local_acs.calls.person import TURN_MS, person
from local_acs.calls.planes import Planes, colour, text_mask
from local_acs.calls.voice import sound

NOON = 1_795_348_800_000
WHO = person("8:acs:resource_ada", "Ada Lovelace")
BLACK = colour(0, 0, 0)


def tile() -> Planes:
    return Planes.blank(896, 496, BLACK)


def drawn_at(*moments: int, who=WHO) -> np.ndarray:
    leg, picture = GeneratedLeg(who), tile()
    for moment in moments:
        leg.draw(picture, moment)
    return np.concatenate([plane.ravel() for plane in (picture.y, picture.u, picture.v)])


def turn(*, talks: bool) -> int:
    return next(at for at in range(NOON, NOON + 100 * TURN_MS, TURN_MS) if WHO.talks_at(at) is talks)


def test_two_recorders_draw_the_same():
    steps = range(NOON, NOON + 10_000, 125)
    assert np.array_equal(drawn_at(*steps), drawn_at(steps[-1]))


def test_two_recorders_hear_the_same_wherever_they_began():
    whole = sound(WHO, NOON, 16 * 9000)
    assert np.allclose(whole[16 * 1234 :], sound(WHO, NOON + 1234, 16 * (9000 - 1234)), atol=1e-4)


@pytest.mark.parametrize("later", [125, 1000])
def test_something_moves(later):
    assert not np.array_equal(drawn_at(NOON), drawn_at(NOON + later))


def test_who_talks_is_louder_and_framed():
    talks, listens = turn(talks=True), turn(talks=False)
    assert np.abs(sound(WHO, talks, 16_000)).max() > 2 * np.abs(sound(WHO, listens, 16_000)).max()
    assert drawn_at(talks)[896 * 250] > 1.3 * drawn_at(listens)[896 * 250]


def test_voices_and_tiles_are_told_apart():
    grace = person("8:acs:resource_grace", "Grace Hopper")
    assert not np.array_equal(drawn_at(NOON), drawn_at(NOON, who=grace))
    assert not np.array_equal(sound(WHO, NOON, 48_000), sound(grace, NOON, 48_000))


def test_everybody_together_does_not_clip():
    people = [person(f"8:acs:{number}", "") for number in range(9)]
    assert np.abs(sum(sound(one, NOON, 16 * 30_000) for one in people)).max() < 1


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ada Lovelace", "AL"),
        ("ada", "A"),
        ("Ana María (Sales) Ruiz", "AR"),
        ("", "?"),
        ("  ", "?"),
        ("Нина Симон", "НС"),
    ],
)
def test_initials_come_from_the_first_and_the_last_word(name, initials):
    assert person("8:acs:someone", name).initials == initials


@pytest.mark.parametrize("name", ["x" * 300, "", "李小龍", "Ωμέγα", "O'Brien-Müller", "two\nlines\x00", "\ud800"])
def test_any_name_can_be_drawn(name):
    assert drawn_at(NOON, who=person("8:acs:someone", name)).any()


def test_any_participant_id_has_a_voice():
    assert sound(person("8:acs:\ud800", "Ada"), NOON, 2000).any()


def test_a_text_too_wide_is_shortened():
    assert text_mask("x" * 300, size=20, width=100, height=30).size == (100, 30)


def test_a_closed_leg_can_be_opened_again():
    leg, picture = GeneratedLeg(WHO), tile()
    leg.draw(picture, NOON)
    leg.close()
    leg.draw(picture, NOON)
    assert leg.participant_id == "8:acs:resource_ada"
