"""What a death, a restart and the passing of time do to calls, recordings and stored files."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.embedded import LocalAcs, eventually
from tests.local_acs.recorded import Operator, Queue, announced, audio, client, entry_of, stored_recording

Start = Callable[..., LocalAcs]
ENDED_SECONDS = 3.0
"""A service with everything open ends within one second; tests beside this one may use the processors."""


def recorder_pid(acs: LocalAcs, recording_id: str) -> int:
    pid = entry_of(acs, recording_id)["recorderPid"]
    assert isinstance(pid, int)
    return pid


def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCAL_ACS_")}
    return subprocess.run(
        [sys.executable, "-m", "local_acs"], env=inherited | environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_a_power_cut_ends_calls_and_finishes_and_announces_recordings(start_acs: Start) -> None:
    acs = start_acs()
    operator, call = Operator(acs), acs.call("Ana Silva", "Bo Chen")
    recording_id = operator.start(call["serverCallId"], **audio()).json()["recordingId"]
    time.sleep(2.5)
    pid = recorder_pid(acs, recording_id)
    acs.kill9()
    eventually(lambda: not psutil.pid_exists(pid), seconds=5, what="the death of the recorder with its parent")
    acs.start()
    stored = announced(acs, recording_id)
    assert acs.management("GET", "/local/calls").json() == []
    assert operator.state(recording_id).status_code == 404
    assert Queue(acs).drain("CallEnded")["data"]["serverCallId"] == call["serverCallId"]
    event = Queue(acs).drain("RecordingFileStatusUpdated")
    assert event["data"]["sessionEndReason"] == "CallEnded"
    assert event["data"]["recordingDurationMs"] > 300
    assert client(acs).get(stored.media).content[:4] == b"RIFF"


def test_a_killed_recorder_ends_its_recording_and_the_file_is_announced(operator: Operator) -> None:
    recording_id = operator.started()
    time.sleep(2.5)
    os.kill(recorder_pid(operator.acs, recording_id), signal.SIGKILL)
    stored = announced(operator.acs, recording_id)
    assert operator.state(recording_id).status_code == 404
    assert client(operator.acs).get(stored.media).status_code == 200


def test_sigterm_ends_it_soon_with_recorders_and_long_polls_and_downloads_open(start_acs: Start) -> None:
    acs = start_acs()
    stored = stored_recording(acs, seconds=0.3)
    os.truncate(stored.media_file, 200 * 1024 * 1024)
    recording_id = Operator(acs).started()
    pid = recorder_pid(acs, recording_id)
    Queue(acs).receive()
    with (
        client(acs).stream("GET", stored.media) as download,
        socket.create_connection(("127.0.0.1", int(acs.endpoint.rpartition(":")[2]))) as poll,
    ):
        poll.sendall(
            b"POST /topics/acs/eventsubscriptions/tapedeck:receive?api-version=1&maxWaitTime=120 HTTP/1.1\r\n"
            b"Host: x\r\nContent-Length: 0\r\nAuthorization: SharedAccessKey "
            + acs.event_grid_key.encode()
            + b"\r\n\r\n"
        )
        assert download.status_code == 200
        started = time.monotonic()
        assert acs.stop() == 0
        assert time.monotonic() - started < ENDED_SECONDS
        assert poll.recv(1000).startswith(b"HTTP/1.1 200")
    eventually(lambda: not psutil.pid_exists(pid), seconds=2, what="the end of the recorder")
    acs.start()
    announced(acs, recording_id)


def test_calls_begin_anew_after_a_clean_restart_and_stored_files_stay(start_acs: Start) -> None:
    acs = start_acs()
    stored = stored_recording(acs, seconds=0.3)
    acs.restart()
    assert client(acs).get(stored.media).status_code == 200
    assert entry_of(acs, stored.recording_id)["state"] == "announced"


def test_after_the_retention_a_file_answers_404_and_is_gone_from_the_disk(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_RETENTION_SECONDS="4")
    stored = stored_recording(acs, seconds=0.3)
    assert client(acs).get(stored.media).status_code == 200
    eventually(lambda: not stored.folder.exists(), seconds=10, what="the removal")
    for path in (stored.media, stored.metadata, f"/recording/download/{stored.document_id}"):
        assert client(acs).get(path).status_code == 404
    assert client(acs).delete(stored.remove).status_code == 404
    chunk = entry_of(acs, stored.recording_id)["stored"][0]
    assert chunk["goneBecause"] == "expired"


def test_what_expires_while_the_service_is_down_is_gone_when_it_is_up(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_RETENTION_SECONDS="4")
    stored = stored_recording(acs, seconds=0.3)
    acs.kill9()
    assert stored.folder.exists()
    time.sleep(4)
    acs.start()
    assert not stored.folder.exists()
    assert client(acs).get(stored.media).status_code == 404


def test_a_repeatable_start_is_answered_again_after_a_power_cut(start_acs: Start) -> None:
    acs = start_acs()
    headers = {"Repeatability-Request-ID": "7ae9e1b1-5b73-4d6f-8f5e-0e2f0a1d9c01", "Repeatability-First-Sent": "x"}
    body = {"callLocator": {"serverCallId": acs.call()["serverCallId"], "kind": "serverCallLocator"}, **audio()}
    first = client(acs).post("/calling/recordings?api-version=1", json=body, headers=headers)
    acs.kill9()
    acs.start()
    again = client(acs).post("/calling/recordings?api-version=1", json=body, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())


def test_a_busy_port_is_one_clear_line_and_status_2(acs: LocalAcs, tmp_path: Path) -> None:
    port = acs.endpoint.rpartition(":")[2]
    ended = run({"LOCAL_ACS_DATA": str(tmp_path / "other"), "LOCAL_ACS_PORT": port})
    assert ended.returncode == 2
    assert ended.stderr == (
        f"local_acs cannot start: 127.0.0.1:{port} is in use; stop what listens there or set LOCAL_ACS_PORT\n"
    )


def test_a_second_service_on_the_same_data_is_refused(acs: LocalAcs) -> None:
    ended = run({"LOCAL_ACS_DATA": str(acs.data), "LOCAL_ACS_PORT": "0"})
    assert ended.returncode == 2
    assert "another local_acs is using" in ended.stderr


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"LOCAL_ACS_HOST": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
        ({"LOCAL_ACS_PORT": "http"}, "LOCAL_ACS_PORT='http' is refused"),
        ({"LOCAL_ACS_DATA": "/proc/nothing"}, "LOCAL_ACS_ACCESS_KEY is not set and cannot be generated"),
    ],
)
def test_a_setting_that_cannot_work_is_named(tmp_path: Path, environment: dict[str, str], message: str) -> None:
    ended = run({"LOCAL_ACS_DATA": str(tmp_path / "acs"), "LOCAL_ACS_PORT": "0", **environment})
    assert ended.returncode == 2
    assert message in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_an_unknown_schema_is_refused_with_what_to_do(start_acs: Start) -> None:
    acs = start_acs()
    acs.stop()
    subprocess.run(
        [sys.executable, "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version=99')",
         str(acs.data / "local_acs.sqlite3")],
        check=True,
    )  # fmt: skip
    ended = run({"LOCAL_ACS_DATA": str(acs.data), "LOCAL_ACS_PORT": "0"})
    assert ended.returncode == 2
    assert "schema 99" in ended.stderr
    assert "move the folder" in ended.stderr


def test_keys_are_generated_once_and_kept_for_their_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "acs"
    with LocalAcs(data, LOCAL_ACS_ACCESS_KEY="", LOCAL_ACS_MANAGEMENT_KEY="", LOCAL_ACS_EVENT_GRID_KEY="") as acs:
        kept = {path.name: path.read_text() for path in (data / "keys").iterdir()}
        assert set(kept) == {"access_key", "management_key", "event_grid_key"}
        assert {path.stat().st_mode & 0o777 for path in (data / "keys").iterdir()} == {0o600}
        acs.restart()
        acs.management_key = kept["management_key"].strip()
        assert acs.management("GET", "/local/calls").status_code == 200


def test_an_idle_service_uses_next_to_no_processor(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_LIVE_CALLS="3")
    time.sleep(1)
    process = psutil.Process(acs.pid)
    before, started = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(4)
    assert (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - started) < 0.03


def test_health_needs_no_key_and_everything_else_of_the_management_surface_does(acs: LocalAcs) -> None:
    assert httpx.get(f"{acs.endpoint}/local/health").json()["status"] == "ok"
    for path in ("/local/calls", "/local/state", "/local/faults"):
        refused = httpx.get(acs.endpoint + path, headers={"Authorization": f"SharedAccessKey {acs.event_grid_key}"})
        assert refused.status_code == 401


def test_a_pause_after_the_recorder_died_finds_no_recording(operator: Operator) -> None:
    recording_id = operator.started()
    os.kill(recorder_pid(operator.acs, recording_id), signal.SIGKILL)
    assert operator.pause(recording_id).status_code == 404


def test_a_recorder_that_does_not_answer_is_an_internal_error_and_is_killed_with_the_service(start_acs: Start) -> None:
    acs = start_acs()
    recording_id = Operator(acs).started()
    pid = recorder_pid(acs, recording_id)
    os.kill(pid, signal.SIGSTOP)
    answer = Operator(acs).pause(recording_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "9999")
    started = time.monotonic()
    assert acs.stop() == 0
    assert time.monotonic() - started < ENDED_SECONDS
    assert not psutil.pid_exists(pid)
