"""The director, with its pauses shortened: people come and go, calls end and begin."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local_acs import director as direction
from local_acs.documents import Json
from local_acs.service import Service
from local_acs.settings import Settings, read_settings
from tests import loops


@pytest.fixture
def service_settings(tmp_path: Path) -> Settings:
    return replace(read_settings({"LOCAL_ACS_DATA": str(tmp_path / "acs")}), live_calls=2)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"SHORTEST_PAUSE": 0.0, "LONGEST_PAUSE": 0.02, "NEW_CALL_PAUSE": 0.01,
                          "SHORTEST_CALL": 0.3, "LONGEST_CALL": 0.5}.items():  # fmt: skip
        monkeypatch.setattr(direction, name, seconds)


def watch(settings: Settings, until: Callable[[list[Json]], bool]) -> list[Json]:
    """Run a service until what was seen of its calls is enough; every look at them."""

    async def run() -> list[Json]:
        service = Service(settings, "http://127.0.0.1:1")
        service.recover()
        service.start()
        seen: list[Json] = []
        try:
            async with asyncio.timeout(20):
                while not until(seen):
                    seen += await service.switchboard.calls()
                    await asyncio.sleep(0.01)
        finally:
            await _closed(service.close())
        return seen

    return loops.run(run())


async def _closed(closing: Awaitable[None]) -> None:
    await asyncio.wait_for(closing, 10)


def test_calls_end_and_others_begin(service_settings: Settings) -> None:
    seen = watch(service_settings, lambda seen: len({call["callId"] for call in seen}) >= 6)
    assert all(call["endsAt"] is not None for call in seen)


def test_people_come_and_go_within_bounds(service_settings: Settings) -> None:
    def moved(seen: list[Json]) -> bool:
        casts = {(call["callId"], tuple(p["participantId"] for p in call["participants"])) for call in seen}
        return len(casts) > 30

    seen = watch(service_settings, moved)
    assert {len(call["participants"]) for call in seen} <= set(range(direction.FEWEST - 1, direction.MOST + 1))
    for call in seen:
        names = [person["displayName"] for person in call["participants"]]
        assert len(names) == len(set(names))
