"""The recorder process: follows orders on standard input, reports on standard output, logs on standard error."""

import json
import logging
import sys
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic

from av import FFmpegError

from local_acs import clock
from local_acs.lifeline import die_with_parent
from local_acs.recorder.cast import Cast
from local_acs.recorder.commands import Clock, Command, listen
from local_acs.recorder.journal import Journal
from local_acs.recorder.lock import sole_use
from local_acs.recorder.recording import Recording
from local_acs.recorder.spec import Spec, moment

logger = logging.getLogger("local_acs.recorder")

_GRACE_MS = 20
"""A tick is made so long after it has passed, so that an order that arrived within it has been read."""
_LOCK_SECONDS = 5.0
_STALL_MS = 2000
_LONGEST_SLEEP = 60.0


def main(arguments: list[str]) -> int:
    """Record into the directory named; 0 when it ended as ordered, 1 when it could not go on, 2 on wrong usage."""
    die_with_parent()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m local_acs.recorder <recording directory>\n")
        return 2
    directory = Path(arguments[0])
    try:
        with sole_use(directory, wait_seconds=_LOCK_SECONDS):
            record(directory)
    except (FFmpegError, OSError, ValueError, RuntimeError) as error:
        logger.exception("recording ends early")
        report("error", message=f"{type(error).__name__}: {error}")
        return 1
    return 0


def record(directory: Path) -> None:
    """Record until told to stop. Raises OSError when nothing more can be written; what was written can be finished."""
    orders: SimpleQueue[Command] = SimpleQueue()
    now_ms = steady_clock()
    listen(orders, now_ms)
    spec = Spec.read(directory)
    journal = Journal(directory)
    recording = Recording(spec, directory, journal, Cast(spec.media_dir))
    started_ms = now_ms()
    recording.start(started_ms)
    report("started", started_ms)
    if spec.pause_on_start:
        report("paused", started_ms)
    while (order := _next_order(recording, orders, now_ms)).do != "stop":
        recording.advance(min(order.at_ms, now_ms()))
        _follow(recording, order)
    recording.stop(order.at_ms, order.reason)
    logger.info("stopped: %s", order.reason)
    journal.close()
    report("stopped", order.at_ms)


def steady_clock() -> Clock:
    """Return a clock of ms since 1970 that is never set back: today's wall clock, carried on by the monotonic one."""
    start_ms, start = round(clock.now().timestamp() * 1000), monotonic()
    return lambda: start_ms + int((monotonic() - start) * 1000)


def report(event: str, at_ms: int | None = None, message: str = "") -> None:
    """Write one event for the parent; when it no longer listens, the recording is what matters."""
    document = {"event": event}
    if at_ms is not None:
        document["at"] = clock.iso(moment(at_ms))
    if message:
        document["message"] = message
    try:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        logger.warning("nobody reads the events: %s", event)


def _next_order(recording: Recording, orders: "SimpleQueue[Command]", now_ms: Clock) -> Command:
    """Make the media as it falls due, sleeping in between, until there is an order."""
    while True:
        due_ms = recording.due_ms
        wait = _LONGEST_SLEEP if due_ms is None else max(due_ms + _GRACE_MS - now_ms(), 0) / 1000
        try:
            return orders.get(timeout=wait) if wait else orders.get_nowait()
        except Empty:
            if due_ms is not None and now_ms() - due_ms > _STALL_MS:
                logger.warning("%d ms behind the wall clock, catching up", now_ms() - due_ms)
            recording.advance(now_ms() - _GRACE_MS)


def _follow(recording: Recording, order: Command) -> None:
    if order.do == "pause":
        report("paused", recording.pause(order.at_ms))
    if order.do == "resume":
        report("resumed", recording.resume(order.at_ms))
    for participant in order.participants:
        recording.join(participant, order.at_ms)
    if order.leaver:
        recording.leave(order.leaver, order.at_ms)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
