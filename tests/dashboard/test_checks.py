"""The system checks: one test for each id."""

import os

import pytest
from django.core.checks import CheckMessage
from pytest_django.fixtures import Settings

from dashboard import checks
from tests.dashboard.settings_of import REAL


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.fixture
def real(settings: Settings) -> Settings:
    """A complete configuration of a real resource."""
    os.environ.update(REAL)
    settings.TAPEDECK_EMBEDDED = False
    settings.ACS_ACCESS_KEY = REAL["ACS_ACCESS_KEY"]
    settings.TAPEDECK_PUBLIC_URL = REAL["TAPEDECK_PUBLIC_URL"]
    return settings


def test_a_complete_resource_raises_nothing(real: Settings) -> None:
    assert checks.check_service(None) == []
    assert checks.check_exposure(None) == []
    assert checks.check_embedded(None) == []


def test_the_embedded_defaults_raise_nothing() -> None:
    assert checks.check_service(None) == []
    assert checks.check_embedded(None) == []
    assert checks.check_exposure(None) == []
    assert checks.check_spelling(None) == []


def test_e001_connection_string_and_endpoint_together(real: Settings) -> None:
    os.environ["ACS_CONNECTION_STRING"] = "endpoint=https://r.example/;accesskey=a2s="
    assert ids(checks.check_service(None)) == ["tapedeck.E001"]


def test_e002_an_endpoint_without_its_key(real: Settings) -> None:
    real.ACS_ACCESS_KEY = ""
    assert ids(checks.check_service(None)) == ["tapedeck.E002"]


def test_e003_a_crash_point_with_a_real_resource(real: Settings) -> None:
    real.TAPEDECK_CRASH_AT = "archive.renamed"
    assert ids(checks.check_service(None)) == ["tapedeck.E003"]


def test_e004_half_an_event_source(real: Settings) -> None:
    del os.environ["EVENT_GRID_KEY"]
    (message,) = checks.check_service(None)
    assert message.id == "tapedeck.E004"
    assert "EVENT_GRID_KEY is not set" in message.msg


def test_e005_parts_of_a_resource_without_its_endpoint() -> None:
    os.environ["ACS_ACCESS_KEY"] = "a2s="
    os.environ["EVENT_GRID_TOPIC"] = "t"
    (message,) = checks.check_embedded(None)
    assert message.id == "tapedeck.E005"
    assert "ACS_ACCESS_KEY, EVENT_GRID_TOPIC" in message.msg


def test_e006_two_services_on_one_port(settings: Settings) -> None:
    settings.LOCAL_ACS_PORT = settings.TAPEDECK_PORT
    assert ids(checks.check_embedded(None)) == ["tapedeck.E006"]


def test_w001_settings_of_the_embedded_service_beside_a_real_resource(real: Settings) -> None:
    os.environ["LOCAL_ACS_PORT"] = "8802"
    assert ids(checks.check_service(None)) == ["tapedeck.W001"]


def test_w002_no_event_source(real: Settings) -> None:
    for name in REAL:
        if name.startswith("EVENT_GRID_"):
            del os.environ[name]
    assert ids(checks.check_service(None)) == ["tapedeck.W002"]


def test_w003_no_address_for_callbacks(real: Settings) -> None:
    real.TAPEDECK_PUBLIC_URL = ""
    assert ids(checks.check_service(None)) == ["tapedeck.W003"]


def test_w004_two_retentions_for_one_service(settings: Settings) -> None:
    settings.ACS_RETENTION_SECONDS = settings.LOCAL_ACS_RETENTION_SECONDS + 1
    assert ids(checks.check_embedded(None)) == ["tapedeck.W004"]


def test_w005_open_to_the_network(settings: Settings) -> None:
    settings.TAPEDECK_HOST = "192.0.2.1"
    assert ids(checks.check_exposure(None)) == ["tapedeck.W005"]


def test_w006_a_public_address_without_encryption(settings: Settings) -> None:
    settings.TAPEDECK_PUBLIC_URL = "http://tapedeck.example"
    assert ids(checks.check_exposure(None)) == ["tapedeck.W006"]


def test_w007_any_host_name(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert ids(checks.check_exposure(None)) == ["tapedeck.W007"]


def test_w008_a_misspelt_variable_and_the_one_that_is_meant() -> None:
    os.environ["TAPEDECK_PROT"] = "8000"
    (message,) = checks.check_spelling(None)
    assert message.id == "tapedeck.W008"
    assert message.msg == "TAPEDECK_PROT is set, and nothing reads it. Is TAPEDECK_PORT meant?"


def test_w008_a_variable_like_no_other() -> None:
    os.environ["ACS_ZZZZZZZZ"] = "1"
    (message,) = checks.check_spelling(None)
    assert message.msg == "ACS_ZZZZZZZZ is set, and nothing reads it."
