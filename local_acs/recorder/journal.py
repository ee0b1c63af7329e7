"""`journal.jsonl`: what happened during a recording, one fact a line, on the disk before it takes effect."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local_acs import clock
from local_acs.recorder.spec import milliseconds, moment

JOURNAL_FILE = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: `what` is started, paused, resumed, joined, left, chunk_opened, chunk_closed or stopped."""

    what: str
    wall_ms: int
    details: dict[str, object]

    def text(self, name: str) -> str:
        """Return a detail as text, empty when it is absent."""
        value = self.details.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> int:
        """Return a detail as a whole number; raises KeyError or ValueError when there is none."""
        return int(str(self.details[name]))


class Journal:
    """The journal of a running recording, open for appending."""

    def __init__(self, directory: Path) -> None:
        self._file = (directory / JOURNAL_FILE).open("a", encoding="utf-8")

    def write(self, what: str, wall_ms: int, **details: object) -> None:
        """Append a fact and wait until it is on the disk; raises OSError when it cannot be."""
        line = {"fact": what, "at": clock.iso(moment(wall_ms)), **details}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read_journal(directory: Path) -> list[Fact]:
    """Return the facts of a recording in order, [] when it never started; a line cut short by a crash is left out."""
    path = directory / JOURNAL_FILE
    return list(_facts(path.read_text(encoding="utf-8", errors="replace"))) if path.exists() else []


def _facts(text: str) -> Iterator[Fact]:
    for line in text.splitlines():
        try:
            document = json.loads(line)
            yield Fact(document.pop("fact"), milliseconds(document.pop("at")), document)
        except (ValueError, KeyError):
            continue
