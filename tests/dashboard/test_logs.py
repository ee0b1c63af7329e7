"""The log tells where a request failed, and never the secret of a webhook."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard import processes

PROGRAM = """
import sys
import django
django.setup()
from django.conf import settings
from django.test import Client
secret = settings.TAPEDECK_WEBHOOK_SECRET
address = {"callback": "/webhooks/acs/callback/recordings-own", "events": f"/webhooks/acs/events/{secret}"}[sys.argv[1]]
client = Client(raise_request_exception=False, headers={"host": "localhost"})
print(client.post(address, b"{}", content_type="application/json").status_code, secret)
"""


@pytest.mark.parametrize("kind", ["callback", "events"])
def test_a_webhook_that_the_database_fails_keeps_its_secret(kind):
    environ = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(  # on a database without tables
        [sys.executable, "-c", PROGRAM, kind],
        cwd=Path(__file__).parents[2],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, secret = done.stdout.split()
    assert status == "500", done.stderr
    assert f"at POST /webhooks/acs/{kind}/…" in done.stderr
    assert "no such table" in done.stderr
    assert secret not in done.stderr
    assert "recordings-own" not in done.stderr


def test_the_web_server_keeps_no_list_of_addresses():
    assert "--no-access-log" in processes.web().command
