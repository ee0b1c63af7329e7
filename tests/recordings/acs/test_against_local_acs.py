"""Both readings of the protocol meet on the wire: our client against the embedded service on a real port."""

import uuid
from collections.abc import Iterator

import pytest

from recordings import clock
from recordings.acs import errors, local
from recordings.acs.client import Client
from tests.embedded import LocalAcs, new_key
from tests.recordings.acs.connected import connect

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAcs]:
    with LocalAcs(tmp_path_factory.mktemp("acs") / "data") as running:
        yield running


@pytest.fixture
def acs(service, settings) -> Client:
    settings.TAPEDECK_EMBEDDED = True
    settings.LOCAL_ACS_ENDPOINT = service.endpoint
    settings.LOCAL_ACS_MANAGEMENT_KEY = service.management_key
    return Client(connect(settings, service.endpoint, access_key=service.access_key))


def _start(acs, call, **changes):
    return acs.start(
        **{
            "locator": {"kind": "serverCallLocator", "serverCallId": call.server_call_id},
            "callback_uri": "",
            "content": "audio",
            "channel": "mixed",
            "format": "wav",
            "pause_on_start": False,
            "request_id": uuid.uuid4(),
            "first_sent": clock.now(),
        }
        | changes
    )


def test_a_recording_is_started_paused_resumed_and_stopped(acs):
    answer = _start(acs, local.start_call(names=("Ada", "Grace")))
    assert (answer.http_status, acs.state(answer.recording_id)) == (200, "active")
    assert acs.pause(answer.recording_id) == 202
    assert acs.state(answer.recording_id) == "inactive"
    assert acs.resume(answer.recording_id) == 202
    assert acs.state(answer.recording_id) == "active"
    assert acs.stop(answer.recording_id) == 204


def test_a_second_stop_finds_nothing(acs):
    answer = _start(acs, local.start_call())
    acs.stop(answer.recording_id)
    with pytest.raises(errors.NotFound) as caught:
        acs.stop(answer.recording_id)
    assert caught.value.code == "8522"


def test_a_repeated_start_gives_the_first_answer(acs):
    call, same = local.start_call(), {"request_id": uuid.uuid4(), "first_sent": clock.now()}
    assert _start(acs, call, **same) == _start(acs, call, **same)


def test_a_second_start_of_a_call_is_refused(acs):
    call = local.start_call()
    _start(acs, call)
    with pytest.raises(errors.Refused, match="recorded already"):
        _start(acs, call)


def test_a_paused_start_is_inactive(acs):
    assert _start(acs, local.start_call(), pause_on_start=True).state == "inactive"


def test_an_unknown_call_is_refused(acs):
    call = local.start_call()
    local.end_call(call.server_call_id)
    with pytest.raises((errors.Refused, errors.NotFound)):
        _start(acs, call)


def test_a_wrong_key_is_refused(acs, settings):
    settings.ACS_ACCESS_KEY = new_key()
    with pytest.raises(errors.CredentialsRefused):
        acs.state("abc")


def test_live_calls_are_listed_with_their_people(acs):
    call = local.start_call(names=("Ada", "Grace"))
    listed = {each.server_call_id: each for each in local.calls()}
    assert [person.display_name for person in listed[call.server_call_id].participants] == ["Ada", "Grace"]
    assert listed[call.server_call_id].started_at is not None


def test_an_ended_call_is_listed_no_more(acs):
    call = local.start_call()
    local.end_call(call.server_call_id)
    assert call.server_call_id not in {each.server_call_id for each in local.calls()}
    with pytest.raises(errors.NotFound):
        local.end_call(call.server_call_id)


def test_with_a_real_resource_there_is_no_local_surface(acs, settings):
    settings.TAPEDECK_EMBEDDED = False
    with pytest.raises(errors.HostNotAllowed, match="real resource"):
        local.calls()
