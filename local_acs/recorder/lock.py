"""One process at a time in a recording's directory: its recorder, or whoever finishes it afterwards."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

_LOCK_FILE = "recorder.lock"
_LOOK_AGAIN_SECONDS = 0.05


class StillRecordingError(RuntimeError):
    """Another process works in the directory and has not left it in the time allowed; try again later."""


@contextmanager
def sole_use(directory: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the directory; the kernel lets go of it when the process dies. Raises StillRecordingError."""
    deadline = monotonic() + wait_seconds
    with (directory / _LOCK_FILE).open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > deadline:
                    raise StillRecordingError(f"another process is at work in {directory}") from None
                sleep(_LOOK_AGAIN_SECONDS)
        yield
