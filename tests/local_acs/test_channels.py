"""Which channel of an unmixed recording is whose."""

from local_acs.recorder.mixer import UnmixedSound


def test_ordered_people_keep_their_channels_and_newcomers_take_the_free_ones() -> None:
    sound = UnmixedSound(["a", "", "", "d"])
    assert [sound.channel_of(who) for who in ("x", "d", "a", "y", "z", "late")] == [1, 3, 0, 2, 4, None]
