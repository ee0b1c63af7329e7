"""Runs the whole installation in the foreground until Ctrl-C."""

import contextlib
import errno
import hashlib
import signal
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import BaseCommand, CommandError, call_command
from django.core.management.base import CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from dashboard import installation, operators, processes, readiness, supervision
from recordings import clock

READY_SECONDS = 120.0
LOOK_SECONDS = 0.1
LOG_LINES_SHOWN = 15
STARTS_ALLOWED = 4
"""Process ids seen of one process before it counts as unable to start; the first of them may be none (0)."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, or a signal to stop. No Exception, so that nothing on the way mistakes it for a failure."""


class Command(BaseCommand):
    help = "Runs web server, workers, scheduler and (without a real ACS resource) the embedded service, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Prepare everything and start nothing.")

    def handle(self, *args: object, **options: object) -> None:
        del args
        try:
            with _stoppable(), installation.only_one(settings.TAPEDECK_DATA):
                self.prepare()
                if not options["check"]:
                    self.serve()
        except installation.AlreadyRunning as other:
            raise CommandError(
                f"Tapedeck is already running on {settings.TAPEDECK_DATA} (process {other}). Stop it first,"
                " or choose another folder with TAPEDECK_DATA."
            ) from other
        except StopRequested:
            with contextlib.suppress(OSError):  # its terminal may be gone
                self.stderr.write("Tapedeck has stopped.", str)

    def prepare(self) -> None:
        """Whatever must be there before the first process starts."""
        _refuse_busy_port(settings.TAPEDECK_HOST, settings.TAPEDECK_PORT, variable="TAPEDECK_PORT")
        if settings.TAPEDECK_EMBEDDED:
            _refuse_busy_port("127.0.0.1", settings.LOCAL_ACS_PORT, variable="LOCAL_ACS_PORT")
        _migrate()
        _collect_static()
        operators.ensure_groups()
        connection.close()

    def serve(self) -> None:
        """Starts everything, says so once it is up, and keeps it up until a stop is requested."""
        supervisor = supervision.Supervisor(
            processes.every_process(), base=settings.BASE_DIR, data=settings.TAPEDECK_DATA
        )
        try:
            since = clock.now() - timedelta(milliseconds=1)
            supervisor.start()
            password = operators.ensure_first_operator()
            self._wait_until_ready(supervisor, since=since)
            connection.close()
            address = settings.TAPEDECK_PUBLIC_URL if not settings.TAPEDECK_EMBEDDED else ""
            address = address or readiness.own_address()
            self.stdout.write(
                f"Tapedeck is ready: {address}  user: {operators.FIRST_OPERATOR}  password: {password}",
            )
            self.stdout.flush()
            self._keep_up(supervisor)
        finally:
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)  # one Ctrl-C is enough
            supervisor.stop()

    def _wait_until_ready(self, supervisor: supervision.Supervisor, *, since: datetime) -> None:
        deadline = time.monotonic() + READY_SECONDS
        missing = list(supervisor.processes)
        starts = {process.name: set[int]() for process in missing}
        while missing:
            if supervisor.has_ended(within=LOOK_SECONDS):
                raise CommandError(f"The supervisor has ended.{_end_of_log('supervisor')}")
            missing = readiness.not_up_yet(missing, since=since)
            for process in missing:
                starts[process.name].add(supervisor.pid(process.name))
            failing = [process.name for process in missing if len(starts[process.name]) > STARTS_ALLOWED]
            if time.monotonic() > deadline or failing:
                names = failing or [process.name for process in missing]
                raise CommandError(f"Not up: {', '.join(names)}.{''.join(map(_end_of_log, names))}")

    def _keep_up(self, supervisor: supervision.Supervisor) -> None:
        while True:
            if supervisor.has_ended(within=1.0):
                self.stderr.write("The supervisor has ended unexpectedly; starting it again.")
                supervisor.start()
                time.sleep(1)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Turns the signals that ask for an end into StopRequested."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise StopRequested

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refuse_busy_port(host: str, port: int, *, variable: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise CommandError(
                    f"TAPEDECK_HOST is {host}, which is no address of this machine ({error.strerror}). Set it to one"
                    " that is, such as 127.0.0.1, or to 0.0.0.0 for all of them."
                ) from error
            raise CommandError(
                f"Port {port} on {host} cannot be used: {error.strerror}. Stop what uses it, or choose another port"
                f" with {variable}."
            ) from error


def _migrate() -> None:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        raise CommandError(f"The database does not answer; see DATABASE_URL. {error}") from error


def _collect_static() -> None:
    """Collects the static files when one of them has changed since the last time."""
    stamp = settings.STATIC_ROOT / ".collected"
    fingerprint = _fingerprint()
    with contextlib.suppress(FileNotFoundError):
        if stamp.read_text() == fingerprint:
            return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(fingerprint)


def _fingerprint() -> str:
    """What the static files are, by path, size and time of change."""
    seen = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            path = Path(storage.path(name))
            facts = path.stat()
            seen.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def _end_of_log(name: str) -> str:
    """The last lines that a process wrote, under the path of its log."""
    path = supervision.log_file(settings.TAPEDECK_DATA, name)
    lines = path.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:] if path.exists() else []
    return "\n".join([f"\n{path}:", *(f"    {line}" for line in lines)])
