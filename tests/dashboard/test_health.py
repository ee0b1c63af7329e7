"""`/healthz`."""

import pytest
from django.db import connection
from django.test import Client

from dashboard.processes import HEARTBEATS
from dashboard.views.health import SILENT_AFTER_SECONDS
from recordings import clock
from recordings.models import Heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def _all_alive() -> None:
    for name in HEARTBEATS:
        Heartbeat.beat(name, host="here", pid=1)


@pytest.mark.usefixtures("_all_alive")
def test_all_is_well_without_signing_in(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert set(answer.json()["processes"]) == {"worker:control", "worker:media", "worker:derived", "beat"}
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.usefixtures("_all_alive")
def test_a_silent_process_is_named(client: Client) -> None:
    long_ago = clock.now() - clock.seconds(SILENT_AFTER_SECONDS + 1)
    Heartbeat.objects.filter(name="worker:media").update(beaten_at=long_ago)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["failing"] == ["worker:media"]
    assert answer.json()["processes"]["worker:media"]["state"] == "silent"
    assert answer.json()["processes"]["worker:media"]["seconds_ago"] > SILENT_AFTER_SECONDS


@pytest.mark.usefixtures("_all_alive")
def test_a_process_that_was_never_heard_is_named(client: Client) -> None:
    Heartbeat.objects.filter(name="beat").delete()
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["processes"]["beat"] == {"state": "never heard"}


def test_a_database_that_does_not_answer_is_named(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE recordings_heartbeat RENAME TO gone")
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "failing": ["database"], "database": "no answer"}


def test_nothing_may_be_posted(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
