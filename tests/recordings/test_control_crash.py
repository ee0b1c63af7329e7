"""A process is killed at every point of a command, and the next one finishes the work without doing it twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordings import crashpoints
from tests.embedded import ROOT, LocalAcs

pytestmark = pytest.mark.slow


class House:
    """A data folder with a migrated database, and the embedded service that its processes talk to."""

    def __init__(self, folder: Path, service: LocalAcs) -> None:
        self.folder = folder
        self.service = service
        self.call_id = str(service.call("Ada")["serverCallId"])

    def run(self, *words: str, crash_at: str = "") -> subprocess.CompletedProcess[str]:
        ours = ("TAPEDECK_", "ACS_", "EVENT_GRID_", "LOCAL_ACS_", "DATABASE_URL", "DJANGO_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
            "TAPEDECK_DATA": str(self.folder),
            "LOCAL_ACS_PORT": self.service.endpoint.rpartition(":")[2],
            "LOCAL_ACS_ACCESS_KEY": self.service.access_key,
            "TAPEDECK_CRASH_AT": crash_at,
        }
        command = [sys.executable, "-m", "tests.recordings.crashing", *words]
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)

    def found(self, *words: str) -> dict[str, object]:
        """What is there after an act that must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def crash(self, point: str, *words: str) -> None:
        assert self.run(*words, crash_at=point).returncode == -signal.SIGKILL
        assert (self.folder / "crashed" / point).exists()

    def remote(self) -> list[dict[str, object]]:
        recordings = self.service.state()["recordings"]
        assert isinstance(recordings, list)
        return [each for each in recordings if each["serverCallId"] == self.call_id]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAcs]:
    with LocalAcs(tmp_path_factory.mktemp("acs") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def migrated(service: LocalAcs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    House(folder, service).found("migrate")
    return folder


@pytest.fixture
def house(service: LocalAcs, migrated: Path, tmp_path: Path) -> House:
    shutil.copytree(migrated, tmp_path / "house")
    return House(tmp_path / "house", service)


STARTING = ("control.after_start_commit", "sending.before_send", "sending.after_send", "sending.after_record")
PAUSING = ("control.after_commit", "sending.before_send", "sending.after_send", "sending.after_record")
ASKING = ("reconcile.before_ask", "reconcile.after_ask", "reconcile.after_apply")
WATCHING = ("control.before_watch", "control.after_watch", "control.after_watch_commit")


@pytest.mark.parametrize("point", STARTING)
def test_a_start_that_is_killed_starts_one_recording(house, point):
    house.crash(point, "start", house.call_id)
    found = house.found("sweep")
    assert (found["recordings"], found["commands"]) == (["active"], [["start", "confirmed"]])
    assert len(house.remote()) == 1


@pytest.mark.parametrize("point", PAUSING)
def test_a_pause_that_is_killed_is_carried_out(house, point):
    house.found("start", house.call_id)
    house.crash(point, "pause")
    house.found("sweep")
    found = house.found("sweep")
    assert (found["recordings"], found["commands"][-1]) == (["paused"], ["pause", "confirmed"])


def test_a_pause_that_is_killed_before_its_commit_was_never_asked_for(house):
    house.found("start", house.call_id)
    house.crash("control.before_commit", "pause")
    found = house.found("sweep")
    assert (found["recordings"], found["commands"]) == (["active"], [["start", "confirmed"]])


@pytest.mark.parametrize("point", ASKING)
def test_a_question_that_is_killed_is_asked_again(house, point):
    house.found("start", house.call_id)
    house.found("pause")
    house.crash(point, "sweep")
    found = house.found("sweep")
    assert (found["recordings"], found["commands"][-1]) == (["paused"], ["pause", "confirmed"])


@pytest.mark.parametrize("point", WATCHING)
def test_a_watch_that_is_killed_adopts_once(house, point, service, migrated, tmp_path):
    house.found("start", house.call_id)
    recording_id = str(house.remote()[0]["recordingId"])
    other = tmp_path / "other"
    shutil.copytree(migrated, other)
    house.folder = other
    house.crash(point, "watch", recording_id)
    found = house.found("watch", recording_id)
    assert (found["recordings"], found["adoptions"]) == (["active"], 1)


def test_every_point_of_a_command_is_tried():
    rooms = ("control.", "sending.", "reconcile.")
    points = {point for point in crashpoints.POINTS if point.startswith(rooms)}
    assert points == {*STARTING, *PAUSING, *ASKING, *WATCHING, "control.before_commit"}
