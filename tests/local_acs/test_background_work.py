"""Work that runs beside the requests goes on after the database or the disk refused it."""

import asyncio
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from local_acs.service import persistently
from tests import loops


@pytest.mark.parametrize(
    "refusal", [OperationalError("INSERT", {}, sqlite3.OperationalError("disk full")), OSError(28, "No space left")]
)
def test_a_refusal_is_survived(refusal: Exception) -> None:
    attempts: list[int] = []

    async def work() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise refusal
        await asyncio.Event().wait()

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(persistently(work, pause=0.01), 0.5)

    loops.run(run())
    assert len(attempts) == 3


def test_a_defect_is_not_hidden() -> None:
    async def work() -> None:
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        loops.run(persistently(work, pause=0.01))
