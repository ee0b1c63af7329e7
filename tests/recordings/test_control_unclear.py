"""An unclear answer leaves a command requested; it is asked about, sent again under its id, and at last given up."""

import pytest

from recordings import clock, control, evidence, reconcile, sending
from recordings.models import Command, Condition, Recording
from recordings.states import CommandState, CommandVerb, RecordingState
from tests import rows
from tests.misbehaving import Misbehaving, Reply, document, refusal
from tests.recordings import commanded
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db

UNCLEAR = [
    pytest.param(Reply(hang_up=True), id="no answer"),
    pytest.param(commanded.FAULT, id="500"),
    pytest.param(Reply(status=429), id="429"),
    pytest.param(Reply(status=400, body=b"<html>"), id="a page"),
]


def _start(resource):
    return control.start(resource=resource, locator=commanded.LOCATOR, by=None)


def _sweep():
    for recording in reconcile.stale(100):
        reconcile.ask(recording)


@pytest.mark.parametrize("reply", UNCLEAR)
def test_an_unclear_answer_leaves_the_command_requested_with_what_happened(settings, reply):
    with Misbehaving(reply) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
    assert (command.state, recording.state) == ("requested", "active")
    assert command.error
    assert command.next_send_at > command.sent_at


def test_a_service_that_is_not_there_leaves_it_requested_and_raises_the_banner(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    assert control.pause(recording, by=None).state == CommandState.REQUESTED
    assert Condition.objects.open().get().kind == "unreachable"


def test_a_pause_whose_answer_was_lost_is_found_done_by_asking(settings):
    with Misbehaving(Reply(hang_up=True), commanded.INACTIVE) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
        commanded.age(command, 5)
        _sweep()
        recording.refresh_from_db()
        command.refresh_from_db()
        assert server.methods == [f"POST {recording.recording_id}:pause", f"GET {recording.recording_id}"]
    assert (command.state, command.error, recording.state) == ("confirmed", "", "paused")


def test_a_pause_that_never_arrived_is_sent_again_after_asking(settings):
    with Misbehaving(Reply(hang_up=True), commanded.ACTIVE, commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
        commanded.age(command, 5)
        _sweep()
        verbs = [line.partition(" ")[0] for line in server.methods]
    command.refresh_from_db()
    assert verbs == ["POST", "GET", "POST"]
    assert (command.state, command.sends) == ("acknowledged", 2)


def test_a_command_whose_process_died_before_sending_is_sent_by_the_sweep(settings):
    with Misbehaving(commanded.ACTIVE, commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server)
        command = commanded.command(recording, CommandVerb.PAUSE, CommandState.REQUESTED, sent_at=None, sends=0)
        commanded.age(command, 3)
        _sweep()
    command.refresh_from_db()
    assert (command.state, command.sends) == ("acknowledged", 1)


def test_a_command_that_is_being_sent_is_left_alone(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
        Command.objects.filter(pk=command.pk).update(
            state=CommandState.REQUESTED, next_send_at=command.sent_at + sending.ONE_SEND
        )
        commanded.age(recording, 5)
        reconcile.ask(recording)
        assert [line.partition(" ")[0] for line in server.methods] == ["POST", "GET"]


def test_a_service_that_cannot_tell_the_state_still_gets_the_command(settings):
    with Misbehaving(commanded.FAULT, commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server)
        command = commanded.command(recording, CommandVerb.PAUSE, CommandState.REQUESTED)
        reconcile.ask(recording)
    command.refresh_from_db()
    assert command.state == CommandState.ACKNOWLEDGED


def test_a_stop_whose_answer_was_lost_is_borne_out_by_the_404(settings):
    with Misbehaving(Reply(hang_up=True), commanded.GONE) as server:
        recording = commanded.recording(settings, server)
        command = control.stop(recording, by=None)
        commanded.age(command, 5)
        _sweep()
    command.refresh_from_db()
    recording.refresh_from_db()
    assert (command.state, recording.state) == ("confirmed", "ended")


def test_a_start_whose_answer_was_lost_is_replayed_under_the_same_id(settings):
    with Misbehaving(Reply(hang_up=True), commanded.ACTIVE) as server:
        command = _start(connect(settings, server.endpoint))
        assert command.recording.bucket == ""
        commanded.age(command, 5)
        _sweep()
        ids = {seen.headers["repeatability-request-id"] for seen in server.seen}
        dates = {seen.headers["repeatability-first-sent"] for seen in server.seen}
    command.refresh_from_db()
    assert (command.state, command.recording.state, ids) == ("confirmed", "active", {str(command.id)})
    assert len(dates) <= 2  # the test itself moved the command in time


def test_a_replayed_start_that_finds_its_own_recording_says_so(settings):
    with Misbehaving(Reply(hang_up=True), refusal(400, "8559")) as server:
        command = _start(connect(settings, server.endpoint))
        commanded.age(command, 5)
        _sweep()
    command.refresh_from_db()
    assert (command.state, "first answer was lost" in command.error) == ("failed", True)


def test_a_start_that_an_event_made_known_first_becomes_one_recording(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        resource = connect(settings, server.endpoint)
        rows.recording(RecordingState.ACTIVE, resource=resource, recording_id="rec", identity="r:rec")
        command = _start(resource)
    recording = Recording.objects.get()
    assert (recording.recording_id, recording.state, recording.origin) == ("rec", "active", "operator")
    assert (command.recording, command.state) == (recording, "confirmed")


def test_a_start_that_was_over_before_its_answer_came_is_settled(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        resource = connect(settings, server.endpoint)
        rows.recording(RecordingState.ENDED, resource=resource, recording_id="rec", identity="r:rec")
        command = _start(resource)
    assert (command.state, Recording.objects.get().state) == ("confirmed", "ended")


@pytest.mark.parametrize(
    ("verb", "state", "minutes", "then"),
    [
        (CommandVerb.PAUSE, RecordingState.ACTIVE, 10, "active"),
        (CommandVerb.RESUME, RecordingState.PAUSED, 1, "paused"),
        (CommandVerb.STOP, RecordingState.ACTIVE, 10, "active"),
        (CommandVerb.START, RecordingState.REQUESTED, 1, "failed"),
    ],
)
def test_a_command_is_given_up_in_the_end(settings, verb, state, minutes, then):
    body = {"callLocator": commanded.LOCATOR, "pauseOnStart": False} | {
        f"recording{part}Type": "x" for part in ("Content", "Channel", "Format")
    }
    recording = commanded.recording(settings, "http://127.0.0.1:9", state)
    if verb == CommandVerb.START:
        Recording.objects.filter(pk=recording.pk).update(recording_id=None, identity="")
    command = commanded.command(recording, verb, CommandState.REQUESTED, body=body, error="No connection.")
    commanded.age(command, 60 * minutes - 5)
    _sweep()
    command.refresh_from_db()
    assert command.is_open
    commanded.age(command, 10 + 20)
    _sweep()
    command.refresh_from_db()
    recording.refresh_from_db()
    assert (command.state, recording.state) == ("failed", then)
    assert "No connection" in command.error


def test_a_throttled_command_waits_as_long_as_the_service_asks(settings):
    with Misbehaving(Reply(status=429, headers={"Retry-After": "30"})) as server:
        command = control.pause(commanded.recording(settings, server), by=None)
    assert (command.next_send_at - command.sent_at).total_seconds() >= 30


def test_an_answer_that_comes_after_the_confirmation_changes_nothing(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    command = commanded.command(recording, CommandVerb.PAUSE, CommandState.REQUESTED)
    evidence.observe(recording, "inactive", at=clock.now())
    sending._record(command, 202)
    command.refresh_from_db()
    assert (command.state, recording.state) == ("confirmed", "paused")


def test_a_command_that_is_settled_is_not_sent(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    command = commanded.command(recording, CommandVerb.PAUSE, CommandState.REQUESTED)
    evidence.observe(recording, "inactive", at=clock.now())
    sending.deliver(command)
    assert (command.state, command.sends) == ("confirmed", 1)


def test_a_start_that_is_answered_without_an_id_stays_open(settings):
    with Misbehaving(document({"recordingState": "active"})) as server:
        command = _start(connect(settings, server.endpoint))
    assert (command.state, command.recording.recording_id) == ("requested", None)
