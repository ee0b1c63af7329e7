"""Orders to a running recorder: lines on its standard input, signals, and the loss of its parent."""

import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from types import FrameType

from local_acs.recorder.spec import BadSpecError, Participant, milliseconds

logger = logging.getLogger(__name__)

_READ_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Command:
    """An order and the moment it arrived, in ms since 1970."""

    do: str
    at_ms: int
    reason: str = ""
    participants: tuple[Participant, ...] = field(default=())
    leaver: str = ""

    @classmethod
    def parse(cls, line: str, at_ms: int) -> "Command":
        """Read one line of JSON; raises BadSpecError saying what is wrong with it."""
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadSpecError(f"{line!r} is not JSON: {error}") from error
        do = document.get("do") if isinstance(document, dict) else None
        if do in {"pause", "resume"}:
            return cls(do, at_ms)
        if do == "stop":
            return cls(do, at_ms, reason=str(document.get("reason") or "stop was asked for"))
        if do == "join" and isinstance(document.get("participant"), dict):
            return cls(do, at_ms, participants=(Participant.parse(document["participant"]),))
        if do == "leave" and document.get("participantId"):
            left = document.get("at")
            at_ms = milliseconds(str(left)) if left else at_ms
            return cls(do, at_ms, leaver=str(document["participantId"]))
        raise BadSpecError(f"{line!r} is no order; orders are pause, resume, stop, join, leave")


Clock = Callable[[], int]


def listen(orders: "SimpleQueue[Command]", now_ms: Clock) -> None:
    """Put what arrives on standard input, and a stop at SIGTERM, SIGINT or the end of the input, into the queue."""

    def stop(number: int, _frame: FrameType | None) -> None:
        orders.put(Command("stop", now_ms(), reason=signal.Signals(number).name))

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    threading.Thread(target=_read_input, args=(orders, now_ms), daemon=True, name="orders").start()


def _read_input(orders: "SimpleQueue[Command]", now_ms: Clock) -> None:
    """Read the file descriptor itself: a thread inside sys.stdin would abort the interpreter when it exits."""
    rest = b""
    while data := os.read(0, _READ_BYTES):
        at_ms = now_ms()
        *lines, rest = (rest + data).split(b"\n")
        for line in filter(None, (line.strip() for line in lines)):
            try:
                orders.put(Command.parse(line.decode(errors="replace"), at_ms))
            except BadSpecError as error:
                logger.warning("order not followed: %s", error)
    orders.put(Command("stop", now_ms(), reason="the process that started the recorder has gone"))
