"""The tables of legal steps are whole and say what they are meant to say."""

import pytest

from recordings import states
from recordings.states import CommandState, MediaState, RecordingState


@pytest.mark.parametrize(
    ("table", "members", "initial"),
    [
        (states.RECORDING_STEPS, RecordingState, {RecordingState.REQUESTED}),
        (states.MEDIA_STEPS, MediaState, set()),
        (states.COMMAND_STEPS, CommandState, {CommandState.REQUESTED}),
    ],
)
def test_every_state_but_the_initial_one_can_be_reached(table, members, initial):
    assert set(table) == set(members) - initial
    assert all(table.values())


def test_nothing_leaves_ended():
    assert all(RecordingState.ENDED not in origins for origins in states.RECORDING_STEPS.values())


def test_nothing_leaves_erased():
    assert all(MediaState.ERASED not in origins for origins in states.MEDIA_STEPS.values())


def test_only_an_archived_file_can_be_erased():
    assert states.MEDIA_STEPS[MediaState.ERASED] == {MediaState.ARCHIVED}


def test_every_recording_state_says_which_verbs_are_legal():
    assert set(states.LEGAL_VERBS) == set(RecordingState)


def test_choices_are_worded_for_people():
    assert ("in_temporary_storage", "In temporary storage") in states.choices(states.Bucket)
