"""The Celery application: lanes, sweeps and signs of life."""

import threading
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from dashboard import celery
from recordings.models import Heartbeat
from tests.stack import wait_until


def test_each_task_goes_to_its_lane() -> None:
    routes = celery.app.conf.task_routes
    assert routes["recordings.tasks.retrieve"] == {"queue": "tapedeck.media"}
    assert routes["recordings.tasks.decode"] == {"queue": "tapedeck.derived"}
    assert celery.app.conf.task_default_queue == "tapedeck.control"


def test_every_sweep_and_every_routed_task_exists() -> None:
    celery.app.loader.import_default_modules()
    named = {f"recordings.tasks.{task}" for task in (*celery.SWEEPS, *celery.LANE_OF_TASK)}
    assert named <= set(celery.app.tasks)


def test_a_sweep_that_waited_too_long_is_not_run() -> None:
    for entry in celery.app.conf.beat_schedule.values():
        assert entry["options"]["expires"] >= 2 * entry["schedule"]


def test_the_file_system_broker_lies_in_the_data_folder(settings: Settings, data_folder: Path) -> None:
    settings.CELERY_BROKER_URL = "filesystem://"
    options = celery.transport_options()
    assert options["data_folder_in"] == options["data_folder_out"] == str(data_folder / "broker" / "messages")
    assert (data_folder / "broker" / "control").is_dir()


def test_a_real_broker_needs_no_options(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "amqp://guest:guest@127.0.0.1//"
    assert celery.transport_options() == {}


@pytest.mark.django_db
def test_a_sign_of_life_is_a_row() -> None:
    celery.say_alive("beat")
    assert Heartbeat.objects.get(name="beat").pid > 0


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE recordings_heartbeat RENAME TO gone")
    try:
        celery.say_alive("beat")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO recordings_heartbeat")
    assert "The sign of life of beat could not be written" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_worker_says_that_it_lives_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEDECK_HEARTBEAT", "worker:media")
    step = celery.SignOfLife(None)
    step.start(None)
    try:
        wait_until(lambda: Heartbeat.objects.filter(name="worker:media").exists())
    finally:
        step.stop(None)
    wait_until(lambda: "sign-of-life" not in {thread.name for thread in threading.enumerate()})


def test_a_worker_without_a_name_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAPEDECK_HEARTBEAT", raising=False)
    step = celery.SignOfLife(None)
    step.start(None)
    assert "sign-of-life" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.django_db
def test_the_clock_says_that_it_lives_but_not_at_every_tick() -> None:
    clock = celery.Clock(celery.app, schedule={}, lazy=True)
    clock.tick()
    first = Heartbeat.objects.get(name="beat").beaten_at
    clock.tick()
    assert Heartbeat.objects.get(name="beat").beaten_at == first
