"""States move by guarded updates that leave a history row."""

import pytest

from recordings import moves
from recordings.models import Command, StateChange
from recordings.states import Bucket, CommandState, CommandVerb, MediaState, RecordingState
from tests import rows

pytestmark = pytest.mark.django_db


def test_a_legal_step_moves_the_row_and_says_why():
    recording = rows.recording(RecordingState.ACTIVE)
    assert moves.recording(recording, RecordingState.ENDED, because="The call ended.")
    change = StateChange.objects.get(recording=recording)
    assert (recording.state, change.old, change.new, change.because) == ("ended", "active", "ended", "The call ended.")


def test_an_illegal_step_changes_nothing():
    recording = rows.recording(RecordingState.ENDED)
    assert not moves.recording(recording, RecordingState.ACTIVE, because="A late callback.")
    assert (recording.state, StateChange.objects.count()) == ("ended", 0)


def test_a_stale_row_moves_from_where_the_database_says_it_is():
    recording = rows.recording(RecordingState.ACTIVE)
    stale = type(recording).objects.get(pk=recording.pk)
    moves.recording(recording, RecordingState.PAUSED, because="Paused.")
    assert moves.recording(stale, RecordingState.STOPPING, because="Stop acknowledged.")
    assert list(StateChange.objects.values_list("old", "new")) == [("active", "paused"), ("paused", "stopping")]


def test_a_step_sets_its_facts_in_the_same_update():
    recording = rows.recording(RecordingState.ACTIVE)
    moves.recording(recording, RecordingState.PAUSED, facts={"paused_since": rows.NOON}, because="Paused.")
    assert recording.paused_since == rows.NOON


def test_a_step_settles_the_bucket_and_raises_the_version():
    recording = rows.recording(RecordingState.ACTIVE)
    before = recording.version
    moves.recording(recording, RecordingState.ENDED, because="The call ended.")
    assert recording.bucket == Bucket.AWAITING_FILE
    assert recording.version > before


def test_a_slow_attempt_cannot_overwrite_its_successor():
    file = rows.chunk(rows.recording(RecordingState.ENDED)).files.first()
    moves.media_file(file, MediaState.RETRIEVING, facts={"attempt": 2}, because="Claimed again.")
    assert not moves.media_file(file, MediaState.RETRIEVED, attempt=1, because="The first attempt woke up.")
    assert file.state == MediaState.RETRIEVING
    assert moves.media_file(file, MediaState.RETRIEVED, attempt=2, because="Whole and checked.")


def test_a_settled_command_stays_settled():
    recording = rows.recording(RecordingState.ACTIVE)
    command = Command.objects.create(resource=recording.resource, recording=recording, verb=CommandVerb.PAUSE)
    assert moves.command(command, CommandState.CONFIRMED, settled_at=rows.NOON)
    assert not moves.command(command, CommandState.FAILED, error="too late")
    assert (command.state, command.error) == ("confirmed", "")
