"""`manage.py run`, really run: what it starts, restarts and leaves behind."""

from pathlib import Path

import httpx
import psutil
import pytest

from tests.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("run")]


@pytest.fixture(params=["embedded", pytest.param("services", marks=pytest.mark.services)])
def own_stack(request: pytest.FixtureRequest, tmp_path: Path):
    with Stack(tmp_path, engine=request.param) as stack:
        yield stack


def test_it_prints_one_line_serves_and_stops_within_five_seconds(own_stack: Stack) -> None:
    assert own_stack.ready_line == (
        f"Tapedeck is ready: {own_stack.url}  user: admin  password: {own_stack.admin_password}"
    )
    assert httpx.get(f"{own_stack.url}/healthz").json()["status"] == "ok"
    children = _tree(own_stack)
    assert own_stack.stop() < 5
    assert [child for child in children if _runs(child)] == []


def _tree(stack: Stack) -> list[psutil.Process]:
    assert stack.process
    return psutil.Process(stack.process.pid).children(recursive=True)


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
