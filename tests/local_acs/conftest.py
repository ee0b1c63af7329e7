"""A service for tests that do not mind sharing one, and a way to start others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.embedded import LocalAcs
from tests.local_acs.recorded import Operator, Stored, stored_recording


@pytest.fixture(scope="session")
def acs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAcs]:
    """One service for the whole run: tests use calls of their own and leave its queue alone."""
    with LocalAcs(tmp_path_factory.mktemp("shared") / "acs") as service:
        yield service


@pytest.fixture
def start_acs(tmp_path: Path) -> Iterator[Callable[..., LocalAcs]]:
    """Start a service with settings of its own; it is stopped when the test ends."""
    with ExitStack() as stack:

        def start(**environment: str) -> LocalAcs:
            return stack.enter_context(LocalAcs(tmp_path / "acs", **environment))

        yield start


@pytest.fixture
def operator(acs: LocalAcs) -> Operator:
    return Operator(acs)


@pytest.fixture(scope="session")
def stored(acs: LocalAcs) -> Stored:
    """A stored WAV recording that no test deletes."""
    return stored_recording(acs)
