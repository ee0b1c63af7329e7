"""Fixtures that every room may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings

from tests.stack import Stack


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> Path:
    """A data folder of the test's own, in the settings that name one."""
    settings.TAPEDECK_DATA = tmp_path / "data"
    settings.SPOOL_DIR = tmp_path / "data" / "spool"
    settings.ARCHIVE_DIR = tmp_path / "data" / "archive"
    archive = {**django_settings.STORAGES["archive"]["OPTIONS"], "location": settings.ARCHIVE_DIR}
    settings.STORAGES = {
        **django_settings.STORAGES,
        "archive": {**django_settings.STORAGES["archive"], "OPTIONS": archive},
    }
    settings.TAPEDECK_DATA.mkdir()
    return settings.TAPEDECK_DATA


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """Puts the environment back after each test, so that none has to patch it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def embedded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product on SQLite and the file system broker; shared, so tests must not count on being alone."""
    with Stack(tmp_path_factory.mktemp("embedded"), engine="embedded") as stack:
        yield stack


@pytest.fixture(scope="session")
def services_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product on PostgreSQL and RabbitMQ; shared, so tests must not count on being alone."""
    with Stack(tmp_path_factory.mktemp("services"), engine="services") as stack:
        yield stack


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.xdist_group("embedded")),
        pytest.param("services", marks=[pytest.mark.xdist_group("services"), pytest.mark.services]),
    ]
)
def stack(request: pytest.FixtureRequest) -> Stack:
    """The whole product, on each of its two engines in turn."""
    running: Stack = request.getfixturevalue(f"{request.param}_stack")
    return running
