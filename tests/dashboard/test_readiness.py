"""Who counts as up while an installation starts."""

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from dashboard import processes, readiness
from recordings import clock
from recordings.models import Heartbeat
from tests.stack import free_port


@pytest.fixture(autouse=True)
def _nobody_listens(settings: Settings) -> None:
    settings.TAPEDECK_PORT = free_port()
    settings.LOCAL_ACS_PORT = free_port()
    settings.LOCAL_ACS_ENDPOINT = f"http://127.0.0.1:{settings.LOCAL_ACS_PORT}"


def missing(*, since_seconds: float = 60) -> list[str]:
    since = clock.now() - clock.seconds(since_seconds)
    return [each.name for each in readiness.not_up_yet(processes.every_process(), since=since)]


@pytest.mark.django_db
def test_at_first_nobody_is_up() -> None:
    assert missing() == ["web", "worker-control", "worker-media", "worker-derived", "beat", "local_acs"]


@pytest.mark.django_db
def test_whoever_was_heard_since_the_start_is_up() -> None:
    Heartbeat.beat("worker:control", host="here", pid=1)
    assert missing() == ["web", "worker-media", "worker-derived", "beat", "local_acs"]


@pytest.mark.django_db
def test_a_sign_of_life_from_before_the_start_does_not_count() -> None:
    Heartbeat.beat("beat", host="here", pid=1)
    assert "beat" in missing(since_seconds=-1)


@pytest.mark.django_db
def test_a_database_that_is_away_for_a_moment_is_waited_for() -> None:
    Heartbeat.beat("beat", host="here", pid=1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE recordings_heartbeat RENAME TO gone")
    assert "beat" in missing()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://127.0.0.1:8000"),
        ("deck.example", "http://deck.example:8000"),
    ],
)
def test_the_address_is_one_that_this_machine_can_reach(settings: Settings, host: str, address: str) -> None:
    settings.TAPEDECK_HOST = host
    settings.TAPEDECK_PORT = 8000
    assert readiness.own_address() == address
