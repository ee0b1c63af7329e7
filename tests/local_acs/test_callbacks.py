"""RecordingStateChanged posted to the callback URI of a recording."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.embedded import LocalAcs, eventually
from tests.local_acs.recorded import Operator, audio


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it; answers the statuses in `answers` first, 200 afterwards."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[dict[str, object]] = []
        self.answers: list[int] = []

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/callback?secret=s"

    @property
    def states(self) -> list[str]:
        return [event["data"]["state"] for event in self.posted]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.posted.extend(events)
        self.send_response(status)
        self.send_header("Location", self.server.uri)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Tests have enough to say."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_change_of_state_is_posted_in_order(operator: Operator, receiver: Receiver) -> None:
    call = operator.acs.call()
    started = operator.start(call["serverCallId"], **audio(recordingStateCallbackUri=receiver.uri))
    recording_id = started.json()["recordingId"]
    operator.pause(recording_id)
    operator.resume(recording_id)
    operator.stop(recording_id)
    eventually(lambda: len(receiver.posted) >= 4, what="four callbacks")
    assert receiver.states == ["active", "inactive", "active", "inactive"]
    event = receiver.posted[0]
    assert event["type"] == "Microsoft.Communication.RecordingStateChanged"
    assert event["subject"] == f"calling/recordings/{call['serverCallId']}/recordingId/{recording_id}"
    assert event["source"] == f"{event['subject']}/RecordingStateChanged"
    assert event["data"]["recordingId"] == recording_id
    assert event["data"]["serverCallId"] == call["serverCallId"]
    assert event["data"]["startDateTime"].endswith("+00:00")


def test_a_refused_callback_is_tried_again_before_the_next_one(operator: Operator, receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    recording_id = operator.started(**audio(recordingStateCallbackUri=receiver.uri))
    operator.stop(recording_id)
    eventually(lambda: len(receiver.posted) >= 2, what="two callbacks")
    assert receiver.states == ["active", "inactive"]


def test_the_end_of_the_call_is_told_to_the_callback(operator: Operator, receiver: Receiver) -> None:
    call = operator.acs.call()
    operator.start(call["serverCallId"], **audio(recordingStateCallbackUri=receiver.uri))
    operator.acs.management("DELETE", f"/local/calls/{call['serverCallId']}")
    eventually(lambda: receiver.states == ["active", "inactive"], what="the end")


def test_callbacks_survive_a_power_cut(start_acs: Callable[..., LocalAcs], receiver: Receiver) -> None:
    acs = start_acs()
    receiver.answers = [503] * 2
    Operator(acs).started(**audio(recordingStateCallbackUri=receiver.uri))
    acs.kill9()
    acs.start()
    eventually(lambda: receiver.states == ["active", "inactive"], what="both callbacks")


def test_a_callback_nobody_listens_to_holds_up_nothing(operator: Operator, receiver: Receiver) -> None:
    deaf = operator.started(**audio(recordingStateCallbackUri="http://127.0.0.1:9/nobody"))
    other = operator.started(**audio(recordingStateCallbackUri=receiver.uri))
    assert operator.stop(deaf).status_code == 204
    operator.stop(other)
    eventually(lambda: receiver.states == ["active", "inactive"], what="the other's callbacks")


def test_a_slow_receiver_delays_only_its_own_recording(operator: Operator, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/silent"
        slow = operator.started(**audio(recordingStateCallbackUri=uri))
        other = operator.started(**audio(recordingStateCallbackUri=receiver.uri))
        operator.stop(other)
        eventually(lambda: receiver.states == ["active", "inactive"], seconds=3, what="the other's callbacks")
        operator.stop(slow)
