"""The product's settings as another environment would make them, read in a process of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent.parent
REAL = {
    "ACS_ENDPOINT": "https://r.communication.azure.com",
    "ACS_ACCESS_KEY": "a2tra2s=",
    "EVENT_GRID_ENDPOINT": "https://n.westeurope-1.eventgrid.azure.net",
    "EVENT_GRID_TOPIC": "t",
    "EVENT_GRID_SUBSCRIPTION": "s",
    "EVENT_GRID_KEY": "a2tra2s=",
    "TAPEDECK_PUBLIC_URL": "https://tapedeck.example",
}
"""A complete configuration of a real resource."""

PRINT_SETTINGS = """
import json, dashboard.settings as s
print(json.dumps({name: getattr(s, name) for name in dir(s) if name.isupper()}, default=str))
"""


def settings_of(data: Path, environ: Mapping[str, str]) -> dict[str, object]:
    """Every setting, by name; paths as text."""
    done = python(data, environ, "-c", PRINT_SETTINGS)
    assert done.returncode == 0, done.stderr
    settings: dict[str, object] = json.loads(done.stdout)
    return settings


def manage(data: Path, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A management command under that environment."""
    return python(data, environ, "manage.py", *arguments)


def python(data: Path, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAPEDECK_", "ACS_", "EVENT_GRID_", "LOCAL_ACS_", "DATABASE_", "CELERY_", "DJANGO_"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE,
        env={**inherited, "TAPEDECK_DATA": str(data), **environ},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
