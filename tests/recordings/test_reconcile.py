"""The service is asked about recordings not heard of for a while, and believed only where it proves something."""

import pytest

from recordings import clock, control, reconcile
from recordings.models import Condition, Recording, Resource
from recordings.states import CommandState, CommandVerb, RecordingState
from tests import rows
from tests.misbehaving import Misbehaving, Reply, document, refusal
from tests.recordings import commanded

pytestmark = pytest.mark.django_db


def _heard(recording, *, seconds_ago, asked=None):
    now = clock.now()
    Recording.objects.filter(pk=recording.pk).update(
        confirmed_at=now - clock.seconds(seconds_ago),
        asked_at=now - clock.seconds(seconds_ago if asked is None else asked),
    )
    recording.refresh_from_db()
    return recording


@pytest.mark.parametrize(
    ("reply", "state"), [(commanded.ACTIVE, "active"), (commanded.INACTIVE, "paused"), (commanded.GONE, "ended")]
)
def test_an_answer_is_applied(settings, reply, state):
    with Misbehaving(reply) as server:
        recording = commanded.recording(settings, server)
        reconcile.ask(recording)
    recording.refresh_from_db()
    assert recording.state == state


@pytest.mark.parametrize(
    "reply",
    [
        commanded.FAULT,
        Reply(status=503),
        Reply(status=404, body=b"<html>"),
        Reply(status=404),
        Reply(body=b"<html>"),
        Reply(hang_up=True),
        Reply(status=429),
        refusal(401, "Denied"),
    ],
    ids=["500", "503", "404 of a proxy", "bare 404", "a page", "silence", "429", "401"],
)
def test_an_answer_that_proves_nothing_changes_nothing(settings, reply):
    with Misbehaving(reply) as server:
        recording = commanded.recording(settings, server)
        reconcile.ask(recording)
    recording.refresh_from_db()
    assert (recording.state, recording.confirmed_at) == ("active", None)
    assert recording.asked_at is not None


def test_two_processes_do_not_ask_the_same(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        recording = commanded.recording(settings, server)
        other = Recording.objects.get(pk=recording.pk)
        reconcile.ask(recording)
        reconcile.ask(other)
        assert len(server.seen) == 1


def test_an_accepted_start_gets_time_to_appear(settings):
    with Misbehaving(commanded.GONE) as server:
        recording = commanded.recording(settings, server, RecordingState.REQUESTED)
        command = commanded.command(recording, CommandVerb.START)
        reconcile.ask(recording)
        assert recording.state == RecordingState.REQUESTED
        commanded.age(command, 10)
        recording.refresh_from_db()
        reconcile.ask(recording)
    command.refresh_from_db()
    recording.refresh_from_db()
    assert (recording.state, command.state, recording.bucket) == ("failed", "failed", "no_media")


@pytest.mark.parametrize("state", [RecordingState.ENDED, RecordingState.FAILED])
def test_a_command_left_open_on_what_is_over_is_settled_without_asking(settings, state):
    with Misbehaving(commanded.ACTIVE) as server:
        recording = commanded.recording(settings, server, state)
        command = commanded.command(recording, CommandVerb.STOP)
        assert list(reconcile.stale(9)) == [recording]
        reconcile.ask(recording)
        assert server.seen == []
    command.refresh_from_db()
    assert command.state == CommandState.CONFIRMED


def test_an_unreachable_service_rests_between_two_tries(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        recording = commanded.recording(settings, server)
        soon = clock.now() + clock.seconds(5)
        Condition.objects.report(Condition.Kind.UNREACHABLE, resource=recording.resource, detail="Gone.", probe_at=soon)
        reconcile.ask(recording)
        assert server.seen == []


def test_a_resource_without_credentials_is_not_asked(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        recording = commanded.recording(settings, server)
        settings.ACS_ENDPOINT = "https://another.example.com"
        reconcile.ask(recording)
        assert server.seen == []


@pytest.mark.parametrize(("seconds_ago", "stale"), [(29, False), (31, True)])
def test_a_recording_is_asked_about_when_its_last_word_is_old(settings, seconds_ago, stale):
    recording = _heard(commanded.recording(settings, "http://127.0.0.1:9"), seconds_ago=seconds_ago)
    assert (recording in reconcile.stale(9)) is stale


def test_a_recording_never_heard_of_is_asked_about_at_once(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    assert list(reconcile.stale(9)) == [recording]


def test_a_recording_that_cannot_be_asked_about_is_not_asked_all_the_time(settings):
    recording = _heard(commanded.recording(settings, "http://127.0.0.1:9"), seconds_ago=300, asked=5)
    assert not reconcile.stale(9)
    assert recording.asked_at is not None


@pytest.mark.parametrize("state", [RecordingState.ENDED, RecordingState.FAILED])
def test_what_is_over_is_not_asked_about(settings, state):
    commanded.recording(settings, "http://127.0.0.1:9", state)
    assert not reconcile.stale(9)


def test_a_retired_resource_is_not_asked(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    Resource.objects.filter(pk=recording.resource_id).update(retired_at=clock.now())
    assert not reconcile.stale(9)


@pytest.mark.parametrize(
    ("command_age", "asked_ago", "due"),
    [
        (0.5, None, False),
        (1.1, None, True),
        (1.5, 0.4, False),  # asked at 1.1 s, next at 2.2 s
        (2.3, 1.2, True),
        (4.0, 1.7, False),  # asked at 2.3 s, next at 4.6 s
        (4.7, 2.4, True),
        (10.1, 0.5, True),  # from ten seconds on the opposite contradicts
        (11.0, 0.5, False),
    ],
)
def test_an_acknowledged_command_is_asked_about_at_growing_intervals(settings, command_age, asked_ago, due):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    _heard(recording, seconds_ago=command_age + 1, asked=command_age + 1 if asked_ago is None else asked_ago)
    command = commanded.command(recording, CommandVerb.PAUSE)
    commanded.age(command, command_age - 1)  # commands of `commanded` are a second old
    assert (recording in reconcile.stale(9)) is due


def test_an_unanswered_start_is_due_when_it_may_be_sent_again(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9", RecordingState.REQUESTED)
    Recording.objects.filter(pk=recording.pk).update(recording_id=None, identity="")
    command = commanded.command(
        recording, CommandVerb.START, CommandState.REQUESTED, next_send_at=clock.now() + clock.seconds(2)
    )
    assert not reconcile.stale(9)
    commanded.age(command, 3)
    assert list(reconcile.stale(9)) == [recording]


def test_an_acknowledged_start_without_an_id_is_left_alone(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9", RecordingState.REQUESTED)
    Recording.objects.filter(pk=recording.pk).update(recording_id=None, identity="")
    recording.refresh_from_db()
    commanded.age(commanded.command(recording, CommandVerb.START), 20)
    assert not reconcile.stale(9)
    reconcile.ask(recording)


def test_open_commands_come_first_when_not_all_can_be_asked_about(settings):
    pressing = commanded.recording(settings, "http://127.0.0.1:9")
    commanded.age(commanded.command(pressing, CommandVerb.PAUSE), 5)
    for _ in range(3):
        rows.recording(resource=pressing.resource)
    assert len(reconcile.stale(2)) == 2
    assert list(reconcile.stale(1)) == [pressing]


def test_a_service_that_says_yes_to_a_pause_and_records_on_is_contradicted(settings):
    with Misbehaving(commanded.ACCEPTED, commanded.ACTIVE) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
        reconcile.ask(recording)
        command.refresh_from_db()
        assert command.state == CommandState.ACKNOWLEDGED
        commanded.age(command, 10)
        commanded.age(recording, 10)
        reconcile.ask(recording)
    command.refresh_from_db()
    recording.refresh_from_db()
    assert (command.state, recording.state) == ("contradicted", "active")


def test_an_accepted_start_that_is_seen_running_is_confirmed(settings):
    accepted = document({"recordingId": "rec"}, status=202)
    with Misbehaving(accepted, commanded.ACTIVE) as server:
        resource = commanded.recording(settings, server, RecordingState.ENDED).resource
        command = control.start(resource=resource, locator=commanded.LOCATOR, by=None)
        reconcile.ask(command.recording)
    command.refresh_from_db()
    assert (command.state, command.recording.state) == ("confirmed", "active")
