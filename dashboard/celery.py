"""The Celery application: three lanes with workers of their own, the clock of the sweeps, and signs of life.

The database is the truth and the broker only speed: messages are acknowledged early, results are not kept, and every
task is found again by a sweep. So a broker that loses everything loses no work.
"""

import logging
import os
import socket
import threading
import time
from datetime import UTC, datetime
from typing import Final

from celery import Celery, bootsteps
from celery.beat import Scheduler
from celery.worker.consumer import Consumer
from django.conf import settings
from django.db import DatabaseError, connection
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

TRANSPORT_ALIASES["filesystem"] = "dashboard.file_broker:Transport"

logger = logging.getLogger(__name__)

CONTROL: Final = "control"  # pulls and everything short: must never wait for a download
MEDIA: Final = "media"  # downloads and the archive
DERIVED: Final = "derived"  # full decodes: niced, may wait
BEAT: Final = "beat"
LANES = (CONTROL, MEDIA, DERIVED)

HEARTBEAT_SECONDS = 3.0
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BROKER_POLL_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 0.2

LANE_OF_TASK = {
    "retrieve": MEDIA,
    "archive": MEDIA,
    "sweep_retrieval": MEDIA,
    "sweep_archive": MEDIA,
    "decode": DERIVED,
    "verify": DERIVED,
}
"""Tasks of `recordings.tasks` that do not run in the control lane."""

SWEEPS = {
    "tend_sources": 5.0,
    "sweep_notifications": 5.0,
    "sweep_recordings": 2.0,
    "sweep_retrieval": 2.0,
    "sweep_archive": 10.0,
    "sweep_losses": 30.0,
    "watch_sources": 10.0,
}
"""Seconds between two runs of each periodic task of `recordings.tasks`."""


def queue_name(lane: str) -> str:
    """The name of a lane's queue at the broker."""
    return f"{settings.CELERY_QUEUE_PREFIX}.{lane}"


def transport_options() -> dict[str, object]:
    """What the file system broker needs to know; empty for a real broker."""
    if not settings.CELERY_BROKER_URL.startswith("filesystem:"):
        return {}
    folder = settings.TAPEDECK_DATA / "broker"
    for name in ("messages", "processed", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "processed_folder": str(folder / "processed"),
        "control_folder": str(folder / "control"),
        "polling_interval": BROKER_POLL_SECONDS,
    }


def worker_name(lane: str) -> str:
    """The heartbeat of a lane's worker."""
    return f"worker:{lane}"


def say_alive(name: str) -> None:
    """Writes one sign of life. A database that is away is logged, and survived: the next one will tell."""
    from recordings.models import Heartbeat

    try:
        Heartbeat.beat(name, host=socket.gethostname(), pid=os.getpid())
    except DatabaseError as error:
        logger.warning("The sign of life of %s could not be written: %s", name, error)
        connection.close()


class SignOfLife(bootsteps.StartStopStep):
    """Says every few seconds that this worker is alive and connected.

    It is a step of the consumer, which Celery stops when the broker is lost: a worker that cannot be given work falls
    silent.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: object, **options: object) -> None:
        super().__init__(parent, **options)
        self.heartbeat = os.environ.get("TAPEDECK_HEARTBEAT", "")
        self.stopped = threading.Event()

    def start(self, parent: object) -> None:
        """Begins, in a thread of its own: a worker whose threads are all busy is alive too."""
        del parent
        if self.heartbeat:
            self.stopped = threading.Event()
            threading.Thread(target=self.run, args=[self.stopped], daemon=True, name="sign-of-life").start()

    def stop(self, parent: object) -> None:
        """Falls silent."""
        del parent
        self.stopped.set()

    def run(self, stopped: threading.Event) -> None:
        """Writes signs of life until told to stop."""
        while True:
            say_alive(self.heartbeat)
            if stopped.wait(HEARTBEAT_SECONDS):
                connection.close()
                return


class PromptStop(bootsteps.StartStopStep):
    """Lets a worker of the file system broker stop at once.

    Celery's loop for brokers without events waits for messages two seconds at a time and looks for a stop only in
    between, twice.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Consumer) -> None:
        """Makes each wait a short one."""
        connection_ = parent.connection
        if connection_ is None:
            return
        drain = connection_.drain_events

        def drain_briefly(timeout: float = LONGEST_WAIT_SECONDS) -> None:
            drain(timeout=min(timeout, LONGEST_WAIT_SECONDS))

        connection_.drain_events = drain_briefly  # type: ignore[method-assign, assignment]  # there is no setting for it


class Clock(Scheduler):
    """Celery's scheduler, kept in memory (every task is due within seconds anyway), with signs of life of its own."""

    said_alive = 0.0

    def tick(self) -> float:  # type: ignore[override]  # Celery calls it without its optimisation arguments
        """Starts what is due; returns the seconds until something is."""
        if time.monotonic() - self.said_alive >= HEARTBEAT_SECONDS:
            self.said_alive = time.monotonic()
            say_alive(BEAT)
        return float(super().tick())


# The scheduler knows tasks by name; loading them, and all of the pipeline with them, would only slow the start down.
_is_clock = os.environ.get("TAPEDECK_HEARTBEAT") == BEAT
app = Celery("tapedeck", include=[] if _is_clock else ["recordings.tasks"])
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_transport_options=transport_options(),
    broker_connection_timeout=3,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A web request that cannot reach the broker gives up soon: the sweep finds the work.
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1, "interval_max": 0.2},
    task_ignore_result=True,
    task_acks_late=False,
    task_queues=[Queue(queue_name(lane), Exchange(settings.CELERY_QUEUE_PREFIX), routing_key=lane) for lane in LANES],
    task_default_queue=queue_name(CONTROL),
    task_default_exchange=settings.CELERY_QUEUE_PREFIX,
    task_default_routing_key=CONTROL,
    task_routes={f"recordings.tasks.{task}": {"queue": queue_name(lane)} for task, lane in LANE_OF_TASK.items()},
    worker_pool="threads",
    worker_prefetch_multiplier=1,
    worker_timer_precision=0.2,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    timezone="UTC",
    beat_scheduler="dashboard.celery:Clock",
    beat_max_loop_interval=1,
    beat_schedule={
        task: {
            "task": f"recordings.tasks.{task}",
            "schedule": interval,
            "last_run_at": LONG_AGO,  # so that every sweep runs at once after a start
            # A sweep that waited longer than this is not run: a later one stands behind it.
            "options": {"expires": max(2 * interval, 10)},
        }
        for task, interval in SWEEPS.items()
    },
)
app.steps["consumer"].update({SignOfLife, PromptStop})
