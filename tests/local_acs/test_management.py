"""The management surface: calls and participants by hand, the overview, and the director's live calls."""

from collections.abc import Callable

import pytest

from tests.embedded import LocalAcs, eventually
from tests.local_acs.recorded import Operator, audio


def live(acs: LocalAcs) -> list[dict[str, object]]:
    calls: list[dict[str, object]] = acs.management("GET", "/local/calls").json()
    return calls


def test_a_call_is_started_listed_and_ended(acs: LocalAcs) -> None:
    started = acs.call("Ana Silva", "Bo Chen")
    (listed,) = [call for call in live(acs) if call["callId"] == started["callId"]]
    assert listed["serverCallId"] == started["serverCallId"]
    assert [person["displayName"] for person in listed["participants"]] == ["Ana Silva", "Bo Chen"]
    assert all(person["participantId"].startswith("8:acs:") for person in listed["participants"])
    assert listed["startedAt"].endswith("+00:00")
    assert acs.management("DELETE", f"/local/calls/{started['callId']}").status_code == 204
    assert started["callId"] not in [call["callId"] for call in live(acs)]
    assert acs.management("DELETE", f"/local/calls/{started['callId']}").status_code == 404


def test_a_call_with_nothing_said_has_people_with_names(acs: LocalAcs) -> None:
    call = acs.management("POST", "/local/calls").json()
    assert len({person["displayName"] for person in call["participants"]}) == 3


def test_a_call_shows_its_recording(operator: Operator) -> None:
    call = operator.acs.call()
    recording_id = operator.start(call["serverCallId"], **audio()).json()["recordingId"]
    operator.pause(recording_id)
    (listed,) = [item for item in live(operator.acs) if item["callId"] == call["callId"]]
    assert listed["recording"] == {"recordingId": recording_id, "recordingState": "inactive", "state": "paused"}
    operator.stop(recording_id)


def test_a_call_ends_by_itself_when_it_was_told_to(acs: LocalAcs) -> None:
    call = acs.management("POST", "/local/calls", {"endsAfterSeconds": 0.5}).json()
    assert call["endsAt"] is not None
    eventually(lambda: call["callId"] not in [item["callId"] for item in live(acs)], seconds=5, what="the end")


def test_people_join_and_leave_by_hand(acs: LocalAcs) -> None:
    place = f"/local/calls/{acs.call('Ana Silva')['serverCallId']}/participants"
    joined = acs.management("POST", place, {"displayName": "  Zoë O’Neil "})
    assert (joined.status_code, joined.json()["displayName"]) == (201, "Zoë O’Neil")
    assert acs.management("POST", place).status_code == 201
    gone = f"{place}/{joined.json()['participantId']}"
    assert [acs.management("DELETE", gone).status_code for _ in range(2)] == [204, 404]
    assert acs.management("POST", "/local/calls/unknown/participants", {}).status_code == 404


@pytest.mark.parametrize(
    "document",
    [
        {"participants": "Ana"},
        {"participants": [""]},
        {"participants": [5]},
        {"participants": ["x" * 257]},
        {"participants": ["x"] * 51},
        {"roomId": ""},
        {"endsAfterSeconds": 0},
        {"endsAfterSeconds": True},
        {"endsAfterSeconds": "soon"},
        [],
    ],
)
def test_a_call_that_cannot_be_is_refused(acs: LocalAcs, document: dict[str, object]) -> None:
    assert acs.management("POST", "/local/calls", document).status_code == 400


def test_the_overview_tells_of_calls_recordings_queue_and_callbacks(acs: LocalAcs) -> None:
    state = acs.state()
    assert {"endpoint", "resourceId", "liveCalls", "recordings", "queue", "callbacks", "faults", "recorders"} <= set(
        state
    )


def test_the_director_keeps_calls_alive_and_replaces_one_that_was_ended(start_acs: Callable[..., LocalAcs]) -> None:
    acs = start_acs(LOCAL_ACS_LIVE_CALLS="3")
    calls = eventually(lambda: len(found := live(acs)) == 3 and found, what="three calls")
    assert all(2 <= len(call["participants"]) <= 6 for call in calls)
    acs.management("DELETE", f"/local/calls/{calls[0]['callId']}")
    again = eventually(lambda: len(found := live(acs)) == 3 and found, what="a new call")
    assert calls[0]["callId"] not in [call["callId"] for call in again]


def test_calls_by_hand_are_none_of_the_directors_business(start_acs: Callable[..., LocalAcs]) -> None:
    acs = start_acs(LOCAL_ACS_LIVE_CALLS="1")
    acs.call("Ana Silva")
    eventually(lambda: len(live(acs)) == 2, what="a call of each kind")
