"""Things that happen to a call while its recording is only starting."""

import threading
import time

from tests.embedded import eventually
from tests.local_acs.recorded import Operator, entry_of


class Starting:
    """A start request under way in a thread of its own, its recorder still loading."""

    def __init__(self, operator: Operator) -> None:
        self.call = operator.acs.call("Ana Silva", "Bo Chen")
        self._operator = operator
        self._ids: list[str] = []
        self._thread = threading.Thread(target=self._start)
        self._thread.start()
        eventually(lambda: operator.state_of(self.call) == "starting", what="the beginning of the start")

    def _start(self) -> None:
        self._ids.append(self._operator.start(self.call["serverCallId"]).json()["recordingId"])

    @property
    def place(self) -> str:
        return f"/local/calls/{self.call['serverCallId']}"

    def finished(self) -> str:
        self._thread.join(30)
        return self._ids[0]


def journal(operator: Operator, recording_id: str) -> str:
    entry = eventually(
        lambda: (found := entry_of(operator.acs, recording_id))["state"] in ("announced", "empty") and found,
        seconds=60,
        what="the end",
    )
    return (operator.acs.data / "recordings" / str(entry["folder"]) / "journal.jsonl").read_text()


def test_a_call_that_ends_meanwhile_ends_the_recording(operator: Operator) -> None:
    starting = Starting(operator)
    assert operator.acs.management("DELETE", starting.place).status_code == 204
    recording_id = starting.finished()
    assert operator.state(recording_id).status_code == 404
    journal(operator, recording_id)
    assert entry_of(operator.acs, recording_id)["sessionEndReason"] == "CallEnded"


def test_people_who_come_and_go_meanwhile_are_told_to_the_recorder(operator: Operator) -> None:
    starting = Starting(operator)
    people = f"{starting.place}/participants"
    joined = operator.acs.management("POST", people, {"displayName": "Zoë Late"}).json()["participantId"]
    left = starting.call["participants"][0]["participantId"]
    operator.acs.management("DELETE", f"{people}/{left}")
    recording_id = starting.finished()
    time.sleep(0.3)
    operator.stop(recording_id)
    lines = journal(operator, recording_id)
    assert joined in lines
    assert any("leave" in line or "left" in line for line in lines.splitlines() if left in line)


def test_a_stop_and_a_pause_at_once_leave_an_ended_recording(operator: Operator) -> None:
    recording_id = operator.started()
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda step=step: answers.append(step(recording_id).status_code))
        for step in (operator.pause, operator.stop, operator.stop, operator.resume)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(204) == 1
    assert set(answers) <= {202, 204, 400, 404}
    assert operator.state(recording_id).status_code == 404


def test_many_starts_of_one_call_at_once_start_one_recording(operator: Operator) -> None:
    server_call_id = operator.acs.call()["serverCallId"]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(operator.start(server_call_id).status_code)) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 400, 400, 400, 400]
