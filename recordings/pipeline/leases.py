"""Keeps a claim alive for as long as its work makes progress, and tells the work when it has lost the claim."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from django.db import DatabaseError, connection

LEASE_SECONDS = 15.0
"""How long a claim holds without being renewed: after this, a dead worker's work is free."""
RENEW_SECONDS = 5.0
STALLED_SECONDS = 90.0
"""Work without any progress for this long is given up. Longer than the longest silence that a download may have."""

logger = logging.getLogger(__name__)
stopping = threading.Event()
"""Set when this process is told to end: work under a lease then stops at its next step and frees its claim."""


class Stopped(Exception):
    """This process is to end. What was done so far stands, and another worker goes on from there."""


class Superseded(Exception):
    """The claim is another worker's now, or was given up: stop at once and leave everything as it is."""


class Lease:
    """A claim under renewal. The work calls `tick()` at each step; that is the progress that keeps the claim alive.

    Renewal has a thread of its own, because the work may wait in one read for longer than the claim holds. A process
    that is killed or stopped takes the thread with it, so its claim lapses all the same.
    """

    def __init__(self, renew: Callable[[], bool], *, every: float = RENEW_SECONDS, stalled: float = STALLED_SECONDS):
        self._renew = renew
        self._every = every
        self._stalled = stalled
        self._progressed = time.monotonic()
        self._over = threading.Event()
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease")

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def tick(self) -> None:
        """Says that the work goes on; raises Superseded or Stopped when it may not."""
        self._progressed = time.monotonic()
        if self._gone.is_set():
            raise Superseded
        if stopping.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Lets time pass; raises Superseded as soon as the claim is gone."""
        self._gone.wait(seconds)
        self.tick()

    def _keep(self) -> None:
        while not self._over.wait(self._every):
            if not self._still_ours():
                self._gone.set()
                return

    def _still_ours(self) -> bool:
        if time.monotonic() - self._progressed > self._stalled:
            logger.warning("Work without progress for %.0f s: its claim is given up.", self._stalled)
            return False
        try:
            return self._renew()
        except DatabaseError as error:
            # Not proof of anything. If it lasts, the claim lapses, and the guards of the last step decide.
            logger.warning("A claim could not be renewed: %s", error)
            return True
        finally:
            connection.close()
