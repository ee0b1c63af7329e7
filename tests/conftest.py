"""Fixtures that every room may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps tests that share a running product in one worker, so that it is started once."""
    for item in items:
        room = item.path.parent.name
        if room not in {"flows", "browser"} or item.get_closest_marker("xdist_group"):
            continue
        callspec = getattr(item, "callspec", None)
        engine = callspec.params.get("stack", "own") if callspec else "own"
        item.add_marker(pytest.mark.xdist_group(f"{room}-{engine}"))
        if engine == "services":
            item.add_marker(pytest.mark.services)
