"""A process is killed at every point between an event's arrival and its rows; the next one finishes the work."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedded import ROOT

OURS = ("TAPEDECK_", "ACS_", "EVENT_GRID_", "LOCAL_ACS_", "DATABASE_URL", "DJANGO_")
ONCE = {"inbox": ["processed"], "rows": [1, 1, 2]}


def run(folder: Path, act: str, *, crash_at: str = "") -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | {
        "TAPEDECK_DATA": str(folder),
        "TAPEDECK_CRASH_AT": crash_at,
    }
    command = [sys.executable, "-m", "tests.recordings.pipeline.arriving", act]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def found(folder: Path, act: str) -> dict[str, object]:
    done = run(folder, act)
    assert done.returncode == 0, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    found(folder, "migrate")
    return folder


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("notification.before_commit", []),
        ("notification.after_commit", ["pending"]),
        ("ingest.before_commit", ["pending"]),
        ("ingest.after_commit", ["processed"]),
    ],
)
def test_a_kill_loses_no_event_that_was_committed(migrated, tmp_path, point, kept):
    folder = tmp_path / "house"
    shutil.copytree(migrated, folder)
    assert run(folder, "accept", crash_at=point).returncode == -signal.SIGKILL
    swept = found(folder, "sweep")
    assert swept["crashed"] == [point]
    assert swept["inbox"] == (["processed"] if kept else [])
    # The event was not acknowledged, so it is delivered again.
    again = found(folder, "accept")
    assert {key: again[key] for key in ONCE} == ONCE
    assert again["deliveries"] == (2 if kept else 1)
