"""Keeps a number of calls alive: people join and leave, calls end, new ones begin."""

import asyncio
import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from local_acs import roster
from local_acs.clock import now
from local_acs.database import Database
from local_acs.names import names
from local_acs.problems import Problem
from local_acs.switchboard import Switchboard

logger = logging.getLogger(__name__)

SHORTEST_CALL, LONGEST_CALL = 600.0, 2400.0
FEWEST, MOST = 2, 6
SHORTEST_PAUSE, LONGEST_PAUSE = 15.0, 60.0
"""Seconds between two people coming or going in one call."""
NEW_CALL_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class _Scene:
    identifier: str
    ends_at: datetime | None
    directed: bool
    people: dict[str, str]
    """Display names by participant id."""


class Director:
    def __init__(self, database: Database, switchboard: Switchboard, live_calls: int) -> None:
        self._database = database
        self._switchboard = switchboard
        self._live_calls = live_calls
        self._chance = random.SystemRandom()
        self._next_move: dict[str, datetime] = {}
        self._changed = asyncio.Event()

    def look_again(self) -> None:
        """Calls were started or ended by somebody else."""
        self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            try:
                pause = await self._act()
            except Problem as problem:
                # Somebody ended the call, or took the person out, between the look and the act.
                logger.info("a call changed meanwhile: %s", problem)
                pause = NEW_CALL_PAUSE
            try:
                await asyncio.wait_for(self._changed.wait(), pause)
            except TimeoutError:
                continue

    async def _act(self) -> float | None:
        """Do what is due; seconds until something else is, None when nothing ever will be."""
        scenes = await self._database.run(_scenes)
        moments: list[datetime] = []
        for scene in scenes:
            if scene.ends_at is not None and scene.ends_at <= now():
                await self._switchboard.end_call(scene.identifier)
                self._next_move.pop(scene.identifier, None)
                continue
            if scene.ends_at is not None:
                moments.append(scene.ends_at)
            if scene.directed:
                moments.append(await self._move(scene))
        directed = [scene for scene in scenes if scene.directed and (scene.ends_at is None or scene.ends_at > now())]
        if len(directed) < self._live_calls:
            # The first calls begin together, later ones follow each other as they would in life.
            count = self._live_calls if not scenes else 1
            for _ in range(count):
                await self._new_call()
            moments.append(now() + timedelta(seconds=NEW_CALL_PAUSE))
        self._next_move = {key: at for key, at in self._next_move.items() if key in {s.identifier for s in scenes}}
        return max((min(moments) - now()).total_seconds(), 0.05) if moments else None

    async def _new_call(self) -> None:
        people = names(self._chance, self._chance.randint(FEWEST, MOST - 2))
        seconds = self._chance.uniform(SHORTEST_CALL, LONGEST_CALL)
        await self._switchboard.begin_call(people, seconds=seconds, directed=True)

    async def _move(self, scene: _Scene) -> datetime:
        """Let somebody come or go if it is time; when it will be time again."""
        due = self._next_move.get(scene.identifier)
        if due is not None and due > now():
            return due
        if due is not None:
            count = len(scene.people)
            comes = count <= FEWEST or (count < MOST and self._chance.choice((True, False)))
            if comes:
                name = names(self._chance, 1, but=set(scene.people.values()))[0]
                await self._switchboard.join(scene.identifier, name)
            else:
                await self._switchboard.leave(scene.identifier, self._chance.choice(sorted(scene.people)))
        following = now() + timedelta(seconds=self._chance.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
        self._next_move[scene.identifier] = following
        return following


def _scenes(session: Session) -> list[_Scene]:
    return [
        _Scene(
            identifier=call.server_call_id,
            ends_at=call.ends_at,
            directed=call.directed,
            people={person.participant_id: person.display_name for person in roster.present(call)},
        )
        for call in roster.live_calls(session)
    ]
