"""Commands carried out by the embedded service on a real port, and its word taken by asking."""

import uuid
from collections.abc import Iterator

import pytest

from recordings import clock, control, reconcile
from recordings.acs.client import Client
from recordings.models import Command, Recording
from recordings.states import CommandState, RecordingState
from tests.embedded import LocalAcs, eventually
from tests.recordings import commanded
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAcs]:
    with LocalAcs(tmp_path_factory.mktemp("acs") / "data") as running:
        yield running


@pytest.fixture
def resource(service, settings):
    return connect(settings, service.endpoint, access_key=service.access_key)


@pytest.fixture
def call(service) -> dict[str, str]:
    return {"kind": "serverCallLocator", "serverCallId": str(service.call("Ada", "Grace")["serverCallId"])}


def _start(resource, call, **changes) -> Recording:
    kind = {"content": "audio", "format": "wav"}
    return control.start(resource=resource, locator=call, by=None, **kind | changes).recording


def _settled(command: Command) -> str:
    """The state of the command once the sweep has seen what became of it."""

    def look():
        for recording in reconcile.stale(99):
            reconcile.ask(recording)
        command.refresh_from_db()
        return not command.is_open and command.state

    return str(eventually(look, seconds=15, what="the end of a command"))


def test_a_recording_lives_from_start_to_stop(resource, call):
    recording = _start(resource, call)
    assert recording.state == RecordingState.ACTIVE
    for give, state in ((control.pause, "paused"), (control.resume, "active"), (control.stop, "ended")):
        assert _settled(give(recording, by=None)) == CommandState.CONFIRMED
        recording.refresh_from_db()
        assert recording.state == state
    assert recording.paused_ms > 0


def test_a_start_paused_is_paused_until_it_is_resumed(resource, call):
    recording = _start(resource, call, paused=True)
    assert recording.state == RecordingState.PAUSED
    assert _settled(control.resume(recording, by=None)) == CommandState.CONFIRMED


def test_a_pause_behind_our_back_makes_ours_a_pause_already_so(resource, call, service):
    recording = _start(resource, call)
    Client(resource).pause(recording.recording_id_sent)
    command = control.pause(recording, by=None)
    assert (command.state, command.error_code, recording.state) == ("confirmed", "8573", "paused")


@pytest.mark.parametrize("answer", ["409-8571", "202"])
def test_every_way_to_answer_a_second_pause_is_understood(tmp_path, settings, answer):
    with LocalAcs(tmp_path / "acs", LOCAL_ACS_PAUSE_TWICE=answer) as service:
        resource = connect(settings, service.endpoint, access_key=service.access_key)
        call = {"kind": "serverCallLocator", "serverCallId": str(service.call("Ada")["serverCallId"])}
        recording = _start(resource, call)
        Client(resource).pause(recording.recording_id_sent)
        assert _settled(control.pause(recording, by=None)) == CommandState.CONFIRMED
    recording.refresh_from_db()
    assert recording.state == RecordingState.PAUSED


def test_a_second_start_is_refused_in_words(resource, call):
    _start(resource, call)
    command = control.start(resource=resource, locator=call, by=None)
    assert (command.state, command.error) == ("failed", "This call is being recorded already.")


def test_a_call_that_ends_meanwhile_makes_the_stop_come_true(resource, call, service):
    recording = _start(resource, call)
    service.management("DELETE", f"/local/calls/{call['serverCallId']}").raise_for_status()
    assert _settled(control.stop(recording, by=None)) == CommandState.CONFIRMED
    recording.refresh_from_db()
    assert recording.state == RecordingState.ENDED


def test_a_recording_of_other_software_is_watched_and_controlled(resource, call):
    answer = Client(resource).start(
        locator=call,
        callback_uri="",
        content="audio",
        channel="mixed",
        format="mp3",
        pause_on_start=False,
        request_id=uuid.uuid4(),
        first_sent=clock.now(),
    )
    watched = control.watch(resource=resource, recording_id=answer.recording_id, by=None)
    assert watched.state == RecordingState.ACTIVE
    assert _settled(control.stop(watched, by=None)) == CommandState.CONFIRMED


def test_a_service_that_dies_and_comes_back_gets_the_command(settings, tmp_path):
    with LocalAcs(tmp_path / "acs") as service:
        resource = connect(settings, service.endpoint, access_key=service.access_key)
        call = {"kind": "serverCallLocator", "serverCallId": str(service.call("Ada")["serverCallId"])}
        recording = _start(resource, call)
        service.kill9()
        command = control.stop(recording, by=None)
        assert command.state == CommandState.REQUESTED
        service.start()
        commanded.age(command, 3)
        assert _settled(command) == CommandState.CONFIRMED
    recording.refresh_from_db()
    assert recording.state == RecordingState.ENDED
