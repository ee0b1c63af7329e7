"""Operators' commands: sent once, joined when equal, refused with a reason, and believed when seen."""

import json

import pytest

from recordings import control, sending
from recordings.models import Command, Recording, StateChange
from recordings.states import CommandState, CommandVerb, RecordingState
from tests import rows
from tests.misbehaving import Misbehaving, Reply, document, refusal
from tests.recordings import commanded
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db


def _start(resource, **changes):
    return control.start(**{"resource": resource, "locator": commanded.LOCATOR, "by": None} | changes)


def test_a_start_that_is_answered_active_runs(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        command = _start(connect(settings, server.endpoint), reason="On request")
    recording = command.recording
    assert (command.state, command.http_status, command.reason) == ("confirmed", 200, "On request")
    assert (recording.state, recording.recording_id, recording.recording_id_sent) == ("active", "rec", "rec==")
    assert (command.identity, recording.bucket) == ("r:rec", "recording")
    assert recording.started_at is not None
    assert recording.call.server_call_id == "c2VydmVy"


def test_a_start_is_sent_under_the_command_s_own_id(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        command = _start(connect(settings, server.endpoint), content="audio", format="wav")
    assert server.seen[0].headers["repeatability-request-id"] == str(command.id)
    body = json.loads(server.seen[0].body)
    assert (body["recordingContentType"], body["recordingFormatType"]) == ("audio", "wav")


def test_a_start_tells_where_to_report_when_there_is_such_a_place(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        resource = connect(settings, server.endpoint)
        settings.TAPEDECK_PUBLIC_URL = "https://tapes.example.com"
        command = _start(resource)
    secret = command.recording.callback_secret
    uri = json.loads(server.seen[0].body)["recordingStateCallbackUri"]
    assert uri == f"https://tapes.example.com/webhooks/acs/callback/{secret}"
    assert len(secret) >= 43
    assert secret not in json.dumps(command.body)


def test_a_start_that_begins_paused_is_paused(settings):
    with Misbehaving(commanded.INACTIVE) as server:
        command = _start(connect(settings, server.endpoint), paused=True)
    assert (command.state, command.recording.state) == ("confirmed", "paused")
    assert command.recording.paused_since is not None


def test_a_start_that_was_to_begin_paused_and_runs_shows_as_running(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        command = _start(connect(settings, server.endpoint), paused=True)
    assert (command.state, command.recording.state) == ("contradicted", "active")


def test_a_start_answered_202_waits_to_be_seen(settings):
    with Misbehaving(document({"recordingId": "rec"}, status=202)) as server:
        command = _start(connect(settings, server.endpoint))
    assert (command.state, command.recording.state) == ("acknowledged", "requested")
    assert (command.identity, command.recording.bucket) == ("r:rec", "recording")


def test_a_refused_start_says_why_and_counts_for_nothing(settings):
    with Misbehaving(refusal(400, "8559")) as server:
        command = _start(connect(settings, server.endpoint))
    assert (command.state, command.error_code, command.http_status) == ("failed", "8559", 400)
    assert command.error == "This call is being recorded already."
    assert (command.recording.state, command.recording.bucket) == ("failed", "")


def test_a_kind_of_recording_that_does_not_exist_is_not_sent(settings):
    resource = connect(settings, "http://127.0.0.1:9")
    with pytest.raises(control.Illegal, match="no mp3 file of mixed audioVideo"):
        _start(resource, format="mp3")
    assert not Recording.objects.exists()


def test_an_equal_start_joins_the_first(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        resource = connect(settings, server.endpoint)
        assert _start(resource) == _start(resource)
        assert len(server.seen) == 1


def test_an_equal_start_later_on_is_refused_with_the_recording(settings):
    with Misbehaving(commanded.ACTIVE) as server:
        resource = connect(settings, server.endpoint)
        first = _start(resource)
        commanded.age(first, 60)
        with pytest.raises(control.Illegal, match="recorded already") as caught:
            _start(resource)
    assert caught.value.recording == first.recording


def test_another_kind_of_the_same_call_is_the_service_s_to_refuse(settings):
    with Misbehaving(commanded.ACTIVE, refusal(400, "8553")) as server:
        resource = connect(settings, server.endpoint)
        _start(resource)
        assert _start(resource, content="audio", format="mp3").state == CommandState.FAILED


@pytest.mark.parametrize(
    ("verb", "state", "request_line"),
    [
        ("pause", RecordingState.ACTIVE, "POST {}:pause"),
        ("resume", RecordingState.PAUSED, "POST {}:resume"),
        ("stop", RecordingState.ACTIVE, "DELETE {}"),
        ("stop", RecordingState.PAUSED, "DELETE {}"),
    ],
)
def test_a_command_is_sent_and_acknowledged(settings, verb, state, request_line):
    with Misbehaving(commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server, state)
        command = getattr(control, verb)(recording, by=None)
        assert server.methods == [request_line.format(recording.recording_id)]
    assert (command.state, command.http_status, command.verb) == ("acknowledged", 202, verb)


def test_an_acknowledged_pause_is_not_yet_a_pause(settings):
    with Misbehaving(commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server)
        control.pause(recording, by=None)
    assert recording.state == RecordingState.ACTIVE


def test_an_acknowledged_stop_is_under_way(settings, django_user_model):
    with Misbehaving(commanded.NO_CONTENT) as server:
        recording = commanded.recording(settings, server)
        ada = django_user_model.objects.create_user("ada")
        command = control.stop(recording, by=ada)
    assert recording.state == RecordingState.STOPPING
    change = StateChange.objects.get(recording=recording)
    assert (change.by, change.command) == (ada, command)


def test_the_id_goes_back_as_the_service_wrote_it(settings):
    with Misbehaving(commanded.ACCEPTED) as server:
        control.pause(commanded.recording(settings, server, recording_id_sent="rec=="), by=None)
        assert server.methods == ["POST rec==:pause"]


def test_a_double_click_sends_once(settings):
    with Misbehaving(commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server)
        assert control.pause(recording, by=None) == control.pause(recording, by=None)
        assert len(server.seen) == 1


def test_a_second_click_after_the_confirmation_joins_too(settings):
    with Misbehaving(commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server, RecordingState.PAUSED)
        done = commanded.command(recording, CommandVerb.PAUSE, CommandState.CONFIRMED)
        assert control.pause(recording, by=None) == done
        assert server.seen == []


def test_a_different_command_waits_for_the_open_one(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    commanded.command(recording, CommandVerb.PAUSE)
    with pytest.raises(control.Illegal, match="A pause is under way") as caught:
        control.stop(recording, by=None)
    assert caught.value.recording == recording


@pytest.mark.parametrize("state", [CommandState.REQUESTED, CommandState.ACKNOWLEDGED])
def test_a_stop_overrides_a_command_that_stays_unclear(settings, state):
    with Misbehaving(commanded.NO_CONTENT) as server:
        recording = commanded.recording(settings, server)
        pause = commanded.command(recording, CommandVerb.PAUSE, state)
        commanded.age(pause, 11)
        assert control.stop(recording, by=None).state == CommandState.ACKNOWLEDGED
    pause.refresh_from_db()
    assert (pause.state, "never became clear" in pause.error) == ("failed", True)


@pytest.mark.parametrize(
    ("verb", "state", "reason"),
    [
        ("pause", RecordingState.PAUSED, "paused already"),
        ("resume", RecordingState.ACTIVE, "running already"),
        ("pause", RecordingState.STOPPING, "being stopped"),
        ("stop", RecordingState.ENDED, "has ended"),
        ("resume", RecordingState.FAILED, "never began"),
        ("stop", RecordingState.REQUESTED, "not begun yet"),
    ],
)
def test_a_stale_page_learns_what_changed(settings, verb, state, reason):
    stale = commanded.recording(settings, "http://127.0.0.1:9", RecordingState.ACTIVE)
    Recording.objects.filter(pk=stale.pk).update(state=state)
    with pytest.raises(control.Illegal, match=reason) as caught:
        getattr(control, verb)(stale, by=None)
    assert caught.value.recording.state == state
    assert not Command.objects.exists()


def test_a_retired_resource_says_what_is_missing(settings):
    recording = commanded.recording(settings, "http://127.0.0.1:9")
    settings.ACS_ENDPOINT = "https://another.example.com"
    with pytest.raises(control.Illegal, match="no longer hold the access key"):
        control.pause(recording, by=None)
    with pytest.raises(control.Illegal, match="no longer hold the access key"):
        _start(rows.resource())


@pytest.mark.parametrize("status_and_code", [(400, "8573"), (409, "8571")])
def test_a_pause_of_what_is_paused_already_is_borne_out_by_asking(settings, status_and_code):
    with Misbehaving(refusal(*status_and_code), commanded.INACTIVE) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
    assert (command.state, recording.state) == ("confirmed", "paused")
    assert (command.http_status, command.error_code) == status_and_code


def test_a_pause_that_is_refused_and_not_so_fails_with_the_reason(settings):
    with Misbehaving(refusal(400, "8573"), commanded.ACTIVE) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
    assert (command.state, recording.state) == ("failed", "active")
    assert "not in a state" in command.error


def test_a_refusal_that_cannot_be_checked_leaves_the_command_open(settings):
    with Misbehaving(refusal(409, "8571"), commanded.FAULT) as server:
        command = control.pause(commanded.recording(settings, server), by=None)
    assert (command.state, "under way" in command.error) == ("requested", True)


def test_a_refused_pause_of_what_has_gone_ends_it(settings):
    with Misbehaving(refusal(400, "8573"), commanded.GONE) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
    assert (command.state, recording.state) == ("failed", "ended")


def test_a_stop_of_what_has_gone_is_done(settings):
    with Misbehaving(commanded.GONE) as server:
        recording = commanded.recording(settings, server)
        command = control.stop(recording, by=None)
    assert (command.state, recording.state) == ("confirmed", "ended")
    assert recording.ended_at is not None


def test_a_pause_of_what_has_gone_came_too_late(settings):
    with Misbehaving(commanded.GONE) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
    assert (command.state, command.error, recording.state) == ("failed", "The recording had ended.", "ended")


def test_a_404_of_somebody_else_ends_nothing(settings):
    with Misbehaving(Reply(status=404, body=b"<html>")) as server:
        recording = commanded.recording(settings, server)
        assert control.stop(recording, by=None).state == CommandState.FAILED
    assert recording.state == RecordingState.ACTIVE


def test_a_refused_key_fails_the_command_and_touches_nothing(settings):
    with Misbehaving(refusal(401, "Denied")) as server:
        recording = commanded.recording(settings, server)
        command = control.pause(recording, by=None)
    assert (command.state, recording.state) == ("failed", "active")
    assert "ACS_ACCESS_KEY" in command.error


def test_every_step_of_a_command_raises_the_version(settings):
    with Misbehaving(commanded.ACCEPTED) as server:
        recording = commanded.recording(settings, server)
        before = recording.version
        control.pause(recording, by=None)
    assert recording.version >= before + 2


@pytest.mark.parametrize(
    ("endpoint", "public_url", "is_told"),
    [
        ("https://acs.example.com", "https://tapes.example.com", True),
        ("https://acs.example.com", "http://tapes.example.com", False),
        ("http://127.0.0.1:8801", "http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8801", "", False),
    ],
)
def test_only_an_address_that_the_service_accepts_is_given_for_callbacks(settings, endpoint, public_url, is_told):
    recording = commanded.recording(settings, endpoint, callback_secret="s3cret")
    settings.TAPEDECK_PUBLIC_URL = public_url
    assert bool(sending.callback_uri(recording)) is is_told
