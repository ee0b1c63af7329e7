"""Start, state, pause, resume, stop under /calling/recordings."""

import time
from collections.abc import Callable

import pytest

from tests.embedded import LocalAcs, eventually
from tests.local_acs.recorded import API_VERSION, Operator, audio, entry_of, start_body


def error(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_start_answers_200_with_id_state_and_kind(operator: Operator) -> None:
    answer = operator.start(operator.acs.call()["serverCallId"])
    assert answer.status_code == 200
    assert set(answer.json()) == {"recordingId", "recordingState", "recordingKind"}
    assert answer.json()["recordingState"] == "active"
    assert answer.json()["recordingKind"] == "azureCommunicationServices"
    operator.stop(answer.json()["recordingId"])


def test_a_paused_recording_is_reported_as_inactive_and_a_resumed_one_as_active(operator: Operator) -> None:
    recording_id = operator.started()
    seen = []
    for step in (operator.pause, operator.resume):
        assert step(recording_id).status_code == 202
        seen.append(operator.state(recording_id).json()["recordingState"])
    assert seen == ["inactive", "active"]
    operator.stop(recording_id)


def test_a_second_start_of_the_same_call_answers_400_8559(operator: Operator) -> None:
    server_call_id = operator.acs.call()["serverCallId"]
    first = operator.start(server_call_id)
    assert error(operator.start(server_call_id)) == (400, "8559")
    operator.stop(first.json()["recordingId"])


def test_a_call_can_be_recorded_again_after_a_stop_under_a_new_id(operator: Operator) -> None:
    server_call_id = operator.acs.call()["serverCallId"]
    ids = []
    for _ in range(2):
        ids.append(operator.start(server_call_id).json()["recordingId"])
        assert operator.stop(ids[-1]).status_code == 204
    assert ids[0] != ids[1]


def test_a_second_stop_answers_404_8522(operator: Operator) -> None:
    recording_id = operator.started()
    assert operator.stop(recording_id).status_code == 204
    assert error(operator.stop(recording_id)) == (404, "8522")
    assert error(operator.state(recording_id)) == (404, "8522")


@pytest.mark.parametrize("method", ["state", "stop", "pause", "resume"])
def test_an_unknown_recording_answers_404_8522(operator: Operator, method: str) -> None:
    assert error(getattr(operator, method)("bm8gcmVjb3JkaW5n")) == (404, "8522")


def test_an_unknown_server_call_id_answers_400_8527(operator: Operator) -> None:
    answer = operator.start("aHR0cHM6Ly9ub3doZXJl")
    assert answer.status_code == 400
    assert answer.json() == {"error": {"code": "8527", "message": "Invalid join identity, cannot join call."}}


def test_an_ended_call_answers_400_8528(operator: Operator) -> None:
    call = operator.acs.call()
    assert operator.acs.management("DELETE", f"/local/calls/{call['serverCallId']}").status_code == 204
    assert error(operator.start(call["serverCallId"])) == (400, "8528")


def test_a_padded_server_call_id_names_the_same_call(operator: Operator) -> None:
    server_call_id = str(operator.acs.call()["serverCallId"])
    answer = operator.start(server_call_id + "=" * (-len(server_call_id) % 4))
    assert answer.status_code == 200
    operator.stop(answer.json()["recordingId"] + "==")


@pytest.mark.parametrize(
    ("locator", "field"),
    [("groupCallLocator", "groupCallId"), ("roomCallLocator", "roomId"), (None, "callConnectionId")],
)
def test_a_call_can_be_named_by_group_room_or_connection(operator: Operator, locator: str | None, field: str) -> None:
    room = {"roomId": f"room-{time.monotonic_ns()}"}
    call = operator.acs.management("POST", "/local/calls", room).json()
    named = {"callLocator": {"kind": locator, field: call[field]}} if locator else {field: call[field]}
    answer = operator.http.post("/calling/recordings", params={"api-version": API_VERSION}, json={**named, **audio()})
    assert answer.status_code == 200
    operator.stop(answer.json()["recordingId"])


@pytest.mark.parametrize(
    ("content", "channel", "file_format"),
    [
        ("audioVideo", "unmixed", "mp4"),
        ("audioVideo", "mixed", "mp3"),
        ("audioVideo", "mixed", "wav"),
        ("audio", "mixed", "mp4"),
        ("audio", "unmixed", "mp4"),
        ("audio", "unmixed", "mp3"),
    ],
)
def test_an_unsupported_combination_answers_400(
    operator: Operator, content: str, channel: str, file_format: str
) -> None:
    fields = {"recordingContentType": content, "recordingChannelType": channel, "recordingFormatType": file_format}
    assert operator.start(operator.acs.call()["serverCallId"], **fields).status_code == 400


def test_a_relative_callback_uri_answers_400_bad_request_with_an_empty_message(operator: Operator) -> None:
    answer = operator.start(operator.acs.call()["serverCallId"], recordingStateCallbackUri="/relative")
    assert answer.status_code == 400
    assert answer.json() == {"error": {"code": "BadRequest", "message": ""}}


def test_a_missing_api_version_answers_400(operator: Operator) -> None:
    answer = operator.http.post("/calling/recordings", json=start_body("x"))
    assert error(answer) == (400, "MissingApiVersionParameter")


def test_an_unknown_api_version_is_accepted(operator: Operator) -> None:
    answer = operator.http.get("/calling/recordings/x", params={"api-version": "2099-01-01"})
    assert error(answer) == (404, "8522")


def test_the_api_versions_of_2021_answer_200_and_put_a_slash_before_the_colon(operator: Operator) -> None:
    recording_id = operator.started()
    for method, path in (("POST", "/:pause"), ("POST", "/:resume"), ("DELETE", "")):
        answer = operator.http.request(
            method, f"/calling/recordings/{recording_id}{path}", params={"api-version": "2021-09-15-preview"}
        )
        assert answer.status_code == 200


def test_a_recording_started_paused_is_inactive_until_it_is_resumed(operator: Operator) -> None:
    recording_id = operator.started(**audio(pauseOnStart=True))
    assert operator.state(recording_id).json()["recordingState"] == "inactive"
    assert operator.resume(recording_id).status_code == 202
    assert operator.state(recording_id).json()["recordingState"] == "active"
    operator.stop(recording_id)


def test_a_recording_never_resumed_after_a_paused_start_has_no_file(operator: Operator) -> None:
    recording_id = operator.started(**audio(pauseOnStart=True))
    operator.stop(recording_id)
    entry = eventually(
        lambda: (found := entry_of(operator.acs, recording_id))["state"] == "empty" and found, what="the end"
    )
    assert entry["stored"] == []


def test_the_end_of_a_call_ends_its_recording(operator: Operator) -> None:
    call = operator.acs.call()
    recording_id = operator.start(call["serverCallId"]).json()["recordingId"]
    operator.acs.management("DELETE", f"/local/calls/{call['serverCallId']}")
    assert error(operator.state(recording_id)) == (404, "8522")
    entry = eventually(
        lambda: (found := entry_of(operator.acs, recording_id))["state"] == "announced" and found,
        what="the announcement",
    )
    assert entry["sessionEndReason"] == "CallEnded"


@pytest.mark.parametrize(
    ("setting", "expected"), [("400-8573", (400, "8573")), ("409-8571", (409, "8571")), ("202", None)]
)
def test_pausing_twice_answers_what_the_setting_says(
    start_acs: Callable[..., LocalAcs], setting: str, expected: tuple[int, str] | None
) -> None:
    operator = Operator(start_acs(LOCAL_ACS_PAUSE_TWICE=setting))
    recording_id = operator.started()
    early_resume = operator.resume(recording_id)
    operator.pause(recording_id)
    for answer in (early_resume, operator.pause(recording_id)):
        assert error(answer) == expected if expected else answer.status_code == 202
    assert operator.state(recording_id).json()["recordingState"] == "inactive"


def test_the_client_request_id_is_echoed(operator: Operator) -> None:
    headers = {"x-ms-client-request-id": "abc-1", "x-ms-return-client-request-id": "true"}
    recording_id = operator.started()
    answer = operator.http.get(
        f"/calling/recordings/{recording_id}", params={"api-version": API_VERSION}, headers=headers
    )
    assert answer.headers["x-ms-client-request-id"] == "abc-1"
    operator.stop(recording_id)


def test_unknown_paths_and_methods_are_refused_in_the_documented_shape(operator: Operator) -> None:
    assert error(operator.http.get("/calling/nothing")) == (404, "NotFound")
    assert error(operator.http.put("/calling/recordings")) == (405, "8520")


def test_people_who_come_and_go_are_in_the_recording(operator: Operator) -> None:
    call = operator.acs.call("Ana Silva")
    recording_id = operator.start(call["serverCallId"]).json()["recordingId"]
    place = f"/local/calls/{call['serverCallId']}/participants"
    person = operator.acs.management("POST", place, {"displayName": "Zoë Late"}).json()
    time.sleep(0.3)
    assert operator.acs.management("DELETE", f"{place}/{person['participantId']}").status_code == 204
    operator.stop(recording_id)
    entry = eventually(
        lambda: (found := entry_of(operator.acs, recording_id))["state"] == "announced" and found,
        what="the announcement",
    )
    journal = operator.acs.data / "recordings" / str(entry["folder"]) / "journal.jsonl"
    assert person["participantId"] in journal.read_text(encoding="utf-8")
