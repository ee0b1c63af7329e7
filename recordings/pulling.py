"""The pull loop: receive, store, acknowledge. One loop at a time pulls a source; a lease makes sure of that.

An event is acknowledged only once it is committed, so a loop that dies anywhere costs at most a second delivery.
"""

import contextlib
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence

from django.db import connection

from recordings import clock, crashpoints
from recordings.acs import errors
from recordings.models import Condition, EventSource, Notification
from recordings.pipeline import notification
from recordings.pipeline.claims import worker_name
from recordings.pipeline.leases import LEASE_SECONDS, Lease, Stopped, Superseded
from recordings.sources.event_grid import EventGridSource, Pulled

TURN_SECONDS = 50.0
"""One turn of the loop; then the task ends and another follows, so that no task runs for long."""
WAIT_SECONDS = 10
"""How long one poll waits for events: the shortest that Event Grid allows (maxWaitTime, 10 to 120 s)."""
MOST_EVENTS = 100
LONGEST_PAUSE_SECONDS = 10.0
STOP_CHECK_SECONDS = 0.1
SILENT_SECONDS = 60.0
"""Without a successful pull for this long, operators are told: notifications may be waiting that nobody fetches."""

Accepted = Callable[[Sequence[Notification]], None]

logger = logging.getLogger(__name__)


def turn(source: EventSource, *, stopping: threading.Event, accepted: Accepted, seconds: float = TURN_SECONDS) -> bool:
    """Pulls `source` for about `seconds`; False when another loop holds it. Ends at once when `stopping` is set.

    `accepted` is given the new inbox rows of each poll after their commit.
    """
    owner = f"{worker_name()}:{uuid.uuid4().hex[:8]}"
    if not source.claim(owner=owner, seconds=LEASE_SECONDS):
        return False
    try:
        with Lease(lambda: source.claim(owner=owner, seconds=LEASE_SECONDS)) as lease:
            deadline, failures = time.monotonic() + seconds, 0
            while time.monotonic() < deadline and not stopping.is_set():
                lease.tick()
                failures = 0 if _poll_once(source, stopping, accepted) else failures + 1
                if failures:
                    stopping.wait(min(2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS))
    except Superseded:
        logger.info("Another loop took over %s.", source)
    except Stopped:
        logger.info("The loop at %s ends with its worker.", source)
    finally:
        source.release(owner=owner)
    return True


def _poll_once(source: EventSource, stopping: threading.Event, accepted: Accepted) -> bool:
    try:
        pulled = _receive(source, stopping)
        crashpoints.reach("pulling.after_receive")
        if pulled:
            _take_in(source, pulled, accepted)
    except errors.AcsError as error:
        logger.warning("%s could not be pulled: %s", source, error.message)
        return False
    return True


def _receive(source: EventSource, stopping: threading.Event) -> list[Pulled]:
    """One long poll, in a thread of its own: at shutdown it is left behind, because it cannot be interrupted."""
    answers: queue.SimpleQueue[list[Pulled] | BaseException] = queue.SimpleQueue()

    def poll() -> None:
        remote = EventGridSource(source)
        try:
            pulled = remote.pull(max_events=MOST_EVENTS, wait=WAIT_SECONDS)
            if stopping.is_set() and pulled:  # nobody listens any more: let another loop have them at once
                with contextlib.suppress(errors.AcsError):
                    remote.release([each.lock_token for each in pulled])
                pulled = []
            answers.put(pulled)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            answers.put(error)
        finally:
            connection.close()

    threading.Thread(target=poll, daemon=True, name="poll").start()
    while not stopping.is_set():
        with contextlib.suppress(queue.Empty):
            answer = answers.get(timeout=STOP_CHECK_SECONDS)
            if isinstance(answer, BaseException):
                raise answer
            return answer
    return []


def _take_in(source: EventSource, pulled: Sequence[Pulled], accepted: Accepted) -> None:
    remote = EventGridSource(source)
    rows: list[Notification] = []
    for each in pulled:
        rows += notification.accept(
            each.event, resource=source.resource, source=source, delivery_count=each.delivery_count
        )
    accepted(rows)
    crashpoints.reach("pulling.before_acknowledge")
    remote.acknowledge([each.lock_token for each in pulled])
    crashpoints.reach("pulling.after_acknowledge")


def watch() -> None:
    """Opens and closes the condition *silent* of every source, by the age of its last successful pull."""
    limit = clock.now() - clock.seconds(SILENT_SECONDS)
    for source in EventSource.objects.live().select_related("resource"):
        heard = source.last_pull_at or source.resource.created_at
        if heard >= limit:
            Condition.objects.clear(Condition.Kind.SOURCE_SILENT, resource=source.resource)
            continue
        detail = (
            f"No successful pull since {heard:%Y-%m-%d %H:%M:%S} UTC. Files may expire before anybody hears of them."
        )
        Condition.objects.report(Condition.Kind.SOURCE_SILENT, resource=source.resource, detail=detail)
