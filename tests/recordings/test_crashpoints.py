"""Crash points kill a process on the embedded service, and never one that works for a real resource."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import django
django.setup()
from recordings import crashpoints
crashpoints.reach("ingest.before_commit")
crashpoints.reach("ingest.after_commit")
"""
REAL = {"ACS_ENDPOINT": "https://contoso.communication.azure.com", "ACS_ACCESS_KEY": "a2V5"}


@pytest.mark.parametrize(("resource", "status"), [({}, -signal.SIGKILL), (REAL, 0)], ids=["embedded", "real"])
def test_a_process_dies_at_its_point_with_the_embedded_service_only(data_folder: Path, resource, status):
    environ = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "TAPEDECK_DATA": str(data_folder),
        "TAPEDECK_CRASH_AT": "ingest.after_commit",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        env=environ | resource,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert (data_folder / "crashed" / "ingest.after_commit").exists() is (status != 0)
