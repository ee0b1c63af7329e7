"""What the service says is applied once, in the order of its own time, and to the command that caused it."""

from datetime import timedelta

import pytest

from recordings import clock, evidence
from recordings.models import Call, Recording, Resource, StateChange
from recordings.states import CommandState, CommandVerb, RecordingState
from tests import rows
from tests.recordings import commanded

pytestmark = pytest.mark.django_db

PAUSE, RESUME, STOP, START = CommandVerb.PAUSE, CommandVerb.RESUME, CommandVerb.STOP, CommandVerb.START


def _after(command, seconds):
    return (command.acknowledged_at or command.sent_at) + timedelta(seconds=seconds)


def _on(state, verb=None, command_state=CommandState.ACKNOWLEDGED, **columns):
    recording = rows.recording(state)
    command = commanded.command(recording, verb, command_state, **columns) if verb else None
    return recording, command


def _late(recording, command, seconds=20):
    """Both of them `seconds` ago, so that words after the command lie in the past as well."""
    commanded.age(recording, seconds)
    commanded.age(command, seconds)


@pytest.mark.parametrize("command_state", [CommandState.REQUESTED, CommandState.ACKNOWLEDGED])
@pytest.mark.parametrize(
    ("origin", "verb", "word", "state"),
    [
        (RecordingState.ACTIVE, PAUSE, "inactive", "paused"),
        (RecordingState.PAUSED, RESUME, "active", "active"),
        (RecordingState.REQUESTED, START, "active", "active"),
    ],
)
def test_the_word_that_was_wanted_confirms_the_command(command_state, origin, verb, word, state):
    recording, command = _on(origin, verb, command_state)
    assert evidence.observe(recording, word, at=_after(command, 0.5))
    command.refresh_from_db()
    assert (command.state, recording.state, recording.remote_state) == ("confirmed", state, word)
    change = StateChange.objects.get(recording=recording)
    assert (change.command, change.old, change.new) == (command, origin, state)


def test_a_word_from_before_the_command_settles_nothing():
    recording, command = _on(RecordingState.ACTIVE, PAUSE)
    evidence.observe(recording, "active", at=_after(command, -5))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("acknowledged", "active")


@pytest.mark.parametrize(
    ("origin", "verb", "word"), [(RecordingState.ACTIVE, PAUSE, "active"), (RecordingState.PAUSED, RESUME, "inactive")]
)
def test_the_opposite_soon_after_the_answer_proves_nothing_yet(origin, verb, word):
    recording, command = _on(origin, verb)
    _late(recording, command)
    evidence.observe(recording, word, at=_after(command, 9))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("acknowledged", origin)


@pytest.mark.parametrize(
    ("origin", "verb", "word"), [(RecordingState.ACTIVE, PAUSE, "active"), (RecordingState.PAUSED, RESUME, "inactive")]
)
def test_the_opposite_ten_seconds_later_contradicts(origin, verb, word):
    recording, command = _on(origin, verb)
    _late(recording, command)
    evidence.observe(recording, word, at=_after(command, 10))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("contradicted", origin)
    assert "reported the opposite" in command.error


def test_a_late_word_heals_a_contradicted_pause():
    recording, command = _on(RecordingState.ACTIVE, PAUSE)
    _late(recording, command)
    evidence.observe(recording, "active", at=_after(command, 10))
    evidence.observe(recording, "inactive", at=_after(command, 12))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("confirmed", "paused")


def test_a_word_that_is_older_than_the_last_one_changes_nothing():
    recording, command = _on(RecordingState.ACTIVE, PAUSE)
    _late(recording, command)
    evidence.observe(recording, "inactive", at=_after(command, 2))
    assert not evidence.observe(recording, "active", at=_after(command, 1))
    assert (recording.state, recording.remote_state) == ("paused", "inactive")


def test_a_word_said_twice_changes_nothing_the_second_time():
    recording, command = _on(RecordingState.ACTIVE, PAUSE)
    for _ in range(2):
        evidence.observe(recording, "inactive", at=_after(command, 0.5))
    assert StateChange.objects.count() == 1


@pytest.mark.parametrize(
    ("origin", "word", "state"),
    [(RecordingState.ACTIVE, "inactive", "paused"), (RecordingState.PAUSED, "active", "active")],
)
def test_a_change_that_nobody_here_asked_for_is_followed(origin, word, state):
    recording, _ = _on(origin)
    evidence.observe(recording, word, at=clock.now())
    assert recording.state == state
    assert "no command of ours" in StateChange.objects.get().because


def test_an_unasked_pause_is_looked_at_again_soon():
    recording, _ = _on(RecordingState.ACTIVE)
    Recording.objects.filter(pk=recording.pk).update(asked_at=clock.now())
    evidence.observe(recording, "inactive", at=clock.now())
    assert recording.asked_at is None


def test_inactive_after_the_end_of_the_call_means_ended():
    recording, _ = _on(RecordingState.ACTIVE)
    call = Call.objects.create(resource=recording.resource, server_call_id="c", ended_at=clock.now())
    Recording.objects.filter(pk=recording.pk).update(call=call)
    evidence.observe(recording, "inactive", at=clock.now())
    assert recording.state == RecordingState.ENDED


def test_an_ended_recording_hears_nothing_any_more():
    recording, _ = _on(RecordingState.ENDED)
    assert not evidence.observe(recording, "active", at=clock.now())
    assert recording.state == RecordingState.ENDED


def test_a_start_that_was_given_up_is_healed_by_its_callback():
    recording, command = _on(RecordingState.FAILED, START, CommandState.FAILED)
    evidence.observe(recording, "active", at=_after(command, 0.5))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("confirmed", "active")


def test_a_pause_that_was_refused_is_not_confirmed_by_somebody_else_s():
    recording, command = _on(RecordingState.ACTIVE, PAUSE, CommandState.FAILED, http_status=400)
    evidence.observe(recording, "inactive", at=_after(command, 0.5))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("failed", "paused")


def test_a_start_that_is_inactive_for_a_moment_is_given_time():
    recording, command = _on(RecordingState.REQUESTED, START)
    _late(recording, command)
    evidence.observe(recording, "inactive", at=_after(command, 5))
    assert recording.state == RecordingState.REQUESTED
    evidence.observe(recording, "inactive", at=_after(command, 11))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("contradicted", "paused")


def test_a_pause_is_counted_from_the_answer_to_the_next():
    recording, pause = _on(RecordingState.ACTIVE, PAUSE)
    _late(recording, pause)
    evidence.observe(recording, "inactive", at=_after(pause, 1))
    assert recording.paused_since == pause.acknowledged_at
    resume = commanded.command(recording, RESUME, sent_at=_after(pause, 7), acknowledged_at=_after(pause, 8))
    evidence.observe(recording, "active", at=_after(pause, 9))
    resume.refresh_from_db()
    assert (recording.paused_since, recording.paused_ms, resume.state) == (None, 8000, "confirmed")


def _stopping(before=RecordingState.ACTIVE):
    recording, command = _on(RecordingState.STOPPING, STOP)
    StateChange.objects.create(recording=recording, old=before, new=RecordingState.STOPPING, because="Stop.")
    _late(recording, command)
    return recording, command


def test_inactive_after_a_stop_of_a_running_recording_is_its_end():
    recording, command = _stopping()
    evidence.observe(recording, "inactive", at=_after(command, 1))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("confirmed", "ended")


def test_inactive_after_a_stop_of_a_paused_recording_proves_nothing_yet():
    recording, command = _stopping(RecordingState.PAUSED)
    evidence.observe(recording, "inactive", at=_after(command, 1))
    assert recording.state == RecordingState.STOPPING


@pytest.mark.parametrize(
    ("before", "word", "then"),
    [(RecordingState.PAUSED, "inactive", "paused"), (RecordingState.ACTIVE, "active", "active")],
)
def test_a_stop_that_does_not_stop_is_contradicted(before, word, then):
    recording, command = _stopping(before)
    evidence.observe(recording, word, at=_after(command, 10))
    command.refresh_from_db()
    assert (command.state, recording.state) == ("contradicted", then)


def test_a_recording_whose_stop_was_given_up_is_followed_further():
    recording, command = _on(RecordingState.ACTIVE, STOP, CommandState.FAILED)
    evidence.observe(recording, "inactive", at=_after(command, 0.5))
    assert recording.state == RecordingState.PAUSED


@pytest.mark.parametrize(
    ("verb", "settled"), [(STOP, "confirmed"), (START, "confirmed"), (PAUSE, "failed"), (RESUME, "failed")]
)
def test_the_end_settles_the_open_command(verb, settled):
    recording, command = _on(RecordingState.ACTIVE, verb)
    assert evidence.ended(recording, at=clock.now(), because="The call ended.")
    command.refresh_from_db()
    assert (command.state, recording.state) == (settled, "ended")


def test_the_end_of_a_paused_recording_closes_its_pause():
    now = clock.now()
    recording = rows.recording(RecordingState.PAUSED, paused_since=now - timedelta(seconds=3))
    evidence.ended(recording, at=now, because="The call ended.")
    assert (recording.paused_since, recording.paused_ms, recording.ended_at) == (None, 3000, now)


def test_an_end_told_twice_is_news_once():
    recording, _ = _on(RecordingState.ACTIVE)
    assert evidence.ended(recording, at=clock.now(), because="The call ended.")
    assert not evidence.ended(recording, at=clock.now(), because="A file came.")


def test_a_start_that_the_service_could_not_carry_out_never_began():
    recording, command = _on(RecordingState.REQUESTED, START)
    assert evidence.start_failed(recording, message="No room.", code="8589", at=clock.now())
    command.refresh_from_db()
    assert (command.state, command.error_code, recording.state) == ("failed", "8589", "failed")


def test_the_time_of_a_callback_is_read_on_the_service_s_clock():
    recording, command = _on(RecordingState.ACTIVE, PAUSE)
    Resource.objects.filter(pk=recording.resource_id).update(clock_skew_ms=-60_000)  # the service is a minute behind
    recording = Recording.objects.get(pk=recording.pk)
    callback = rows.notification(recording)
    evidence.observe(recording, "inactive", at=_after(command, 0.5 - 60), notification=callback)
    command.refresh_from_db()
    assert command.state == CommandState.CONFIRMED
    assert StateChange.objects.get().notification == callback


def test_a_date_in_the_far_future_does_not_silence_later_words():
    recording, _ = _on(RecordingState.ACTIVE)
    evidence.observe(
        recording, "inactive", at=clock.now() + timedelta(days=400), notification=rows.notification(recording)
    )
    assert evidence.observe(recording, "active", at=clock.now())
