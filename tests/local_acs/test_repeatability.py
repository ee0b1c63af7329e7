"""Repeatability-Request-ID: one effect, one answer."""

import threading
import uuid

import httpx
import pytest

from tests.local_acs.recorded import Operator, audio, client, start_body


def start(operator: Operator, body: dict[str, object], request_id: str) -> httpx.Response:
    headers = {"Repeatability-Request-ID": request_id, "Repeatability-First-Sent": "Mon, 01 Jun 2026 00:00:00 GMT"}
    return client(operator.acs).post("/calling/recordings?api-version=1", json=body, headers=headers)


@pytest.fixture
def body(operator: Operator) -> dict[str, object]:
    return start_body(operator.acs.call()["serverCallId"], **audio())


def test_the_same_request_is_answered_again_without_acting_again(operator: Operator, body: dict[str, object]) -> None:
    request_id = str(uuid.uuid4())
    first, again = start(operator, body, request_id), start(operator, body, request_id.upper())
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["repeatability-result"] == "accepted"
    operator.stop(first.json()["recordingId"])
    assert start(operator, body, request_id).json() == first.json()


def test_two_at_once_start_one_recording(operator: Operator, body: dict[str, object]) -> None:
    request_id, answers = str(uuid.uuid4()), []
    threads = [threading.Thread(target=lambda: answers.append(start(operator, body, request_id))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["recordingId"] for answer in answers}) == 1


def test_an_id_used_for_another_request_is_refused(operator: Operator, body: dict[str, object]) -> None:
    request_id = str(uuid.uuid4())
    start(operator, body, request_id)
    other = start_body(operator.acs.call()["serverCallId"], **audio())
    assert start(operator, other, request_id).status_code == 400


def test_a_refused_start_may_be_tried_again_under_its_id(operator: Operator, body: dict[str, object]) -> None:
    request_id = str(uuid.uuid4())
    running = operator.start(body["callLocator"]["serverCallId"]).json()["recordingId"]
    assert start(operator, body, request_id).status_code == 400
    operator.stop(running)
    assert start(operator, body, request_id).status_code == 200
