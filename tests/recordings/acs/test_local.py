"""Answers of the embedded service's own surface that are not what was asked for."""

import pytest

from recordings.acs import errors, local
from tests.misbehaving import Misbehaving, document


@pytest.fixture
def server(settings):
    with Misbehaving() as running:
        settings.TAPEDECK_EMBEDDED = True
        settings.LOCAL_ACS_ENDPOINT = running.endpoint
        settings.LOCAL_ACS_MANAGEMENT_KEY = "bWFuYWdlbWVudA=="
        yield running


@pytest.mark.parametrize("said", [{}, ["call"], [{"serverCallId": ""}], [{"serverCallId": 7}], None])
def test_a_list_of_calls_that_is_none_is_a_bad_answer(server, said):
    server.then(document(said))
    with pytest.raises(errors.BadAnswer):
        local.calls()


def test_a_call_may_leave_out_its_people_and_its_start(server):
    server.then(document([{"serverCallId": "a", "startedAt": "soon"}]))
    assert local.calls() == [local.LocalCall(server_call_id="a", started_at=None, participants=())]


def test_a_time_without_a_zone_is_utc(server):
    server.then(document([{"serverCallId": "a", "startedAt": "2026-06-01T12:00:00"}]))
    assert local.calls()[0].started_at.isoformat() == "2026-06-01T12:00:00+00:00"


def test_the_management_key_goes_along(server):
    server.then(document([]))
    local.calls()
    assert server.seen[0].headers["authorization"] == "SharedAccessKey bWFuYWdlbWVudA=="
