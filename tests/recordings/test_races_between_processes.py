"""Processes that race for the same rows, on SQLite and on PostgreSQL."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.embedded import ROOT
from tests.recordings.racing import FILES

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    ours = ("TAPEDECK_", "ACS_", "EVENT_GRID_", "LOCAL_ACS_", "DATABASE_URL", "DJANGO_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ = inherited | {"TAPEDECK_DATA": str(tmp_path / "house")}
    if request.param == "sqlite":
        yield environ
        return
    services.require()
    with services.own_database() as address:
        yield environ | {"DATABASE_URL": address}


def begin(environ: dict[str, str], *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.recordings.racing", *words]
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found: list[str] = json.loads(out)
    return found


def test_each_file_goes_to_one_process(environ):
    said(begin(environ, "prepare"))
    begin_at = str(time.time() + 3)
    got = [said(process) for process in [begin(environ, "claim", begin_at) for _ in range(3)]]
    everything = [pk for each in got for pk in each]
    assert len(everything) == len(set(everything)) == FILES


def test_two_files_that_are_archived_at_once_secure_their_recording(environ):
    said(begin(environ, "prepare"))
    assert set(said(begin(environ, "settled"))) == {"secured"}
