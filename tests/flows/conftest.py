"""The whole product, once per engine, for the stories told in this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Engine, Stack


@pytest.fixture(scope="package", params=["embedded", "services"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    engine: Engine = request.param
    environ = {"LOCAL_ACS_LIVE_CALLS": "0", "LOCAL_ACS_EVENT_DELAY_SECONDS": "0.2"}
    with Stack(tmp_path_factory.mktemp(engine), engine=engine, environ=environ) as running:
        yield running


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path
