"""Tapedeck's background processes without a supervisor, so that a test decides which one dies, and where."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import httpx

from tests.embedded import LocalAcs
from tests.local_acs.signing import HmacAuth
from tests.stack import BASE, Stack, wait_until

VERSION = {"api-version": "2025-06-15"}
LEASED = ("recordings_mediafile", "recordings_eventsource")


class Installation:
    """A migrated data folder, an embedded service of its own, and one Celery worker for all three lanes."""

    def __init__(self, root: Path, **environ: str) -> None:
        self.acs = LocalAcs(root / "acs", LOCAL_ACS_LOCK_SECONDS="1")
        self.root = root
        self.extra = environ
        self.archive = root / "data" / "archive"
        self.stack: Stack

    def __enter__(self) -> "Installation":
        self.acs.start()
        environ = {
            "LOCAL_ACS_PORT": self.acs.endpoint.rpartition(":")[2],
            "LOCAL_ACS_ACCESS_KEY": self.acs.access_key,
            "LOCAL_ACS_MANAGEMENT_KEY": self.acs.management_key,
            "LOCAL_ACS_EVENT_GRID_KEY": self.acs.event_grid_key,
            **self.extra,
        }
        self.stack = Stack(self.root, environ=environ)
        self.stack.plant()
        self.beat = self._celery("beat", "--loglevel=WARNING", "--pidfile=")
        return self

    def __exit__(self, *_: object) -> None:
        self.beat.kill()
        self.beat.wait()
        self.acs.stop()

    # Other software that records

    def client(self) -> httpx.Client:
        auth = HmacAuth(self.acs.access_key)
        return httpx.Client(base_url=self.acs.endpoint, auth=auth, params=VERSION, timeout=15, trust_env=False)

    def start_recording(self) -> str:
        """Has somebody else's program start a recording of a new call; returns its recordingId."""
        call = self.acs.call("Ada Byron", "Grace Hopper")
        body = {"callLocator": {"kind": "serverCallLocator", "serverCallId": call["serverCallId"]}}
        with self.client() as client:
            return client.post("/calling/recordings", json=body).raise_for_status().json()["recordingId"]

    def record(self) -> str:
        """A short recording by somebody else's program, finished and announced."""
        recording_id = self.start_recording()
        sleep(1)
        with self.client() as client:
            client.delete(f"/calling/recordings/{recording_id}").raise_for_status()
        wait_until(lambda: self.acs.recording_state(recording_id) == "announced", what="announced")
        return recording_id

    # Processes that die

    def _environ(self, crash_at: str) -> dict[str, str]:
        mine = {"TAPEDECK_CRASH_AT": crash_at, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
        return self.stack.environ | mine

    def _celery(self, *arguments: str, crash_at: str = "") -> subprocess.Popen[bytes]:
        with (self.root / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "celery", "--app=dashboard", *arguments],
                cwd=BASE,
                env=self._environ(crash_at),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @contextmanager
    def worker(self, *, crash_at: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """One worker for everything; killed at the end of the block if it still lives."""
        lanes = "tapedeck.control,tapedeck.media,tapedeck.derived"
        process = self._celery(
            "worker", f"--queues={lanes}", "--pool=threads", "--concurrency=10", "--loglevel=INFO", crash_at=crash_at
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def crash_worker(self, point: str) -> None:
        """Runs a worker until it kills itself at `point`."""
        with self.worker(crash_at=point) as process:
            status = process.wait(60)
        assert status == -signal.SIGKILL, f"ended with {status}: {self.log()}"
        self.assert_reached(point)
        self.let_leases_lapse()

    def assert_reached(self, point: str) -> None:
        assert (self.stack.data / "crashed" / point).exists(), f"{point} was never reached"

    def let_leases_lapse(self) -> None:
        """Moves deadlines of the dead into the past, which spares the test the seconds until they pass."""
        for table in LEASED:
            self.execute(f"UPDATE {table} SET lease_until = '2000-01-01' WHERE lease_until IS NOT NULL")  # noqa: S608

    # Looking in

    def execute(self, statement: str) -> None:
        self.stack.query(statement)

    def number(self, statement: str) -> int:
        [(value,)] = self.stack.query(statement)
        return int(value or 0)

    def archived_objects(self) -> list[str]:
        """Keys of all files in the archive that are no manifests."""
        files = (path for path in self.archive.glob("[!.]*/**/*") if path.is_file())
        return sorted(str(path.relative_to(self.archive)) for path in files if not path.name.startswith("manifest-"))

    def log(self) -> str:
        return (self.root / "worker.log").read_text(errors="replace")[-5000:]
