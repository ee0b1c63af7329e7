"""The processes of an installation, in one list. The supervisor starts exactly these."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from dashboard import celery

WEB_WORKERS = 2
WEB_THREADS = 64
CONTROL_THREADS = 8
MEDIA_THREADS = 6
DERIVED_THREADS = 1
DERIVED_NICENESS = 10
"""Full decodes yield to everything else on the machine."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process: the command, what its environment holds besides the installation's own, and how it yields."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    niceness: int = 0
    heartbeat: str = ""


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """A Python module run as a program by this interpreter."""
    return (sys.executable, "-m", name, *arguments)


def web() -> Process:
    """The web server. WSGI, because Django under ASGI takes several times longer per request."""
    command = module(
        "granian",
        "--interface=wsgi",
        f"--host={settings.TAPEDECK_HOST}",
        f"--port={settings.TAPEDECK_PORT}",
        f"--workers={WEB_WORKERS}",
        f"--blocking-threads={WEB_THREADS}",
        "--workers-kill-timeout=2",
        "--respawn-failed-workers",
        "--respawn-interval=0.5",
        "--no-ws",
        "--no-access-log",  # whatever the environment says: addresses of webhooks hold secrets
        "dashboard.wsgi:application",
    )
    return Process(name="web", command=command)


def worker(lane: str, *, threads: int, niceness: int = 0) -> Process:
    """The Celery worker of one lane."""
    command = module(
        "celery",
        "--app=dashboard",
        "worker",
        f"--queues={celery.queue_name(lane)}",
        f"--hostname={lane}@%h",
        f"--concurrency={threads}",
        "--pool=threads",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "--loglevel=INFO",
    )
    heartbeat = celery.worker_name(lane)
    return Process(
        name=f"worker-{lane}",
        command=command,
        # `run` has checked the settings; a worker that did would load every page for it.
        environment={"TAPEDECK_HEARTBEAT": heartbeat, "CELERY_SKIP_CHECKS": "true"},
        niceness=niceness,
        heartbeat=heartbeat,
    )


def beat() -> Process:
    """The scheduler of the sweeps."""
    return Process(
        name="beat",
        command=module("celery", "--app=dashboard", "beat", "--loglevel=WARNING", "--pidfile="),
        environment={"TAPEDECK_HEARTBEAT": celery.BEAT, "CELERY_SKIP_CHECKS": "true"},
        heartbeat=celery.BEAT,
    )


def local_acs() -> Process:
    """The embedded service: given the same keys and the same retention as the dashboard."""
    return Process(
        name="local_acs",
        command=module("local_acs"),
        environment={
            "LOCAL_ACS_HOST": "127.0.0.1",
            "LOCAL_ACS_PORT": str(settings.LOCAL_ACS_PORT),
            "LOCAL_ACS_DATA": str(settings.TAPEDECK_DATA / "local_acs"),
            "LOCAL_ACS_ACCESS_KEY": settings.LOCAL_ACS_ACCESS_KEY,
            "LOCAL_ACS_MANAGEMENT_KEY": settings.LOCAL_ACS_MANAGEMENT_KEY,
            "LOCAL_ACS_EVENT_GRID_KEY": settings.LOCAL_ACS_EVENT_GRID_KEY,
            "LOCAL_ACS_RETENTION_SECONDS": str(settings.LOCAL_ACS_RETENTION_SECONDS),
            "LOCAL_ACS_TOPIC": settings.EVENT_GRID_TOPIC,
            "LOCAL_ACS_SUBSCRIPTION": settings.EVENT_GRID_SUBSCRIPTION,
        },
    )


def every_process() -> tuple[Process, ...]:
    """All processes of this installation."""
    ours = (
        web(),
        worker(celery.CONTROL, threads=CONTROL_THREADS),
        worker(celery.MEDIA, threads=MEDIA_THREADS),
        worker(celery.DERIVED, threads=DERIVED_THREADS, niceness=DERIVED_NICENESS),
        beat(),
    )
    return (*ours, local_acs()) if settings.TAPEDECK_EMBEDDED else ours


HEARTBEATS: tuple[str, ...] = (*(celery.worker_name(lane) for lane in celery.LANES), celery.BEAT)
"""Whom the health page expects to hear from."""


def base_environment(own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What every process inherits: the environment that Tapedeck was started with, and the mark of being supervised."""
    return {
        **own,
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "TAPEDECK_DATA": str(settings.TAPEDECK_DATA),
        "TAPEDECK_SUPERVISED": "1",
        "PYTHONUNBUFFERED": "1",
        # Under the data folder like everything else, and on its file system, where a move is a rename.
        "TMPDIR": str(settings.TAPEDECK_DATA / "run" / "tmp"),
    }
