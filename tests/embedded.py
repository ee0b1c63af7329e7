"""The embedded service as a process of its own, for tests that talk to it over HTTP."""

import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
Found = TypeVar("Found")


def eventually(look: Callable[[], Found | None], *, seconds: float = 20, what: str = "it") -> Found:
    """The first truthy thing `look` returns; fails naming `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s; last seen: {found!r}")
        time.sleep(0.02)


class LocalAcs:
    """`python -m local_acs` on a port of its own, with keys of its own and no calls unless asked for.

    Keyword arguments are environment variables: `LocalAcs(tmp_path, LOCAL_ACS_RETENTION_SECONDS="5")`.
    """

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.access_key = new_key()
        self.event_grid_key = new_key()
        self.management_key = new_key()
        self.endpoint = ""
        self.log = data.parent / f"{data.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = {
            "LOCAL_ACS_LIVE_CALLS": "0",
            "LOCAL_ACS_EVENT_DELAY_SECONDS": "0",
            "LOCAL_ACS_PORT": "0",
            "LOCAL_ACS_DATA": str(data),
            "LOCAL_ACS_ACCESS_KEY": self.access_key,
            "LOCAL_ACS_EVENT_GRID_KEY": self.event_grid_key,
            "LOCAL_ACS_MANAGEMENT_KEY": self.management_key,
            **environment,
        }

    @property
    def environment(self) -> dict[str, str]:
        """What a Tapedeck that uses this service as its ACS resource is started with."""
        return {
            "ACS_ENDPOINT": self.endpoint,
            "ACS_ACCESS_KEY": self.access_key,
            "EVENT_GRID_ENDPOINT": self.endpoint,
            "EVENT_GRID_TOPIC": self._environment.get("LOCAL_ACS_TOPIC", "acs"),
            "EVENT_GRID_SUBSCRIPTION": self._environment.get("LOCAL_ACS_SUBSCRIPTION", "tapedeck"),
            "EVENT_GRID_KEY": self.event_grid_key,
            "LOCAL_ACS_MANAGEMENT_KEY": self.management_key,
            "LOCAL_ACS_PORT": self.endpoint.rpartition(":")[2],
        }

    @property
    def pid(self) -> int:
        return self._running().pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, **environment: str) -> None:
        """Start and wait for health; later starts keep the port, so the endpoint stays what it was."""
        self._environment |= environment
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCAL_ACS_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local_acs"],
                cwd=ROOT,
                env=inherited | self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.endpoint = self._ready_line().rpartition(" ")[2].strip()
        self._environment["LOCAL_ACS_PORT"] = self.endpoint.rpartition(":")[2]
        eventually(self._healthy, seconds=START_SECONDS, what="health of local_acs")

    def stop(self) -> int:
        """End it with SIGTERM and return the exit status."""
        process = self.process
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            self._forget()

    def kill9(self) -> None:
        """End it as a power cut would."""
        process = self._running()
        process.kill()
        process.wait()
        self._forget()

    def restart(self, **environment: str) -> None:
        """Stop it if it runs and start it on the same port and data, with some settings changed."""
        self.stop()
        self.start(**environment)

    def management(
        self, method: str, path: str, json: dict[str, object] | list[object] | None = None
    ) -> httpx.Response:
        """A request to the management surface, such as `management("POST", "/local/calls", {})`."""
        headers = {"Authorization": f"SharedAccessKey {self.management_key}"}
        with httpx.Client(base_url=self.endpoint, headers=headers, timeout=30, trust_env=False) as client:
            return client.request(method, path, json=json)

    def call(self, *names: str) -> dict[str, object]:
        """Start a call and return its description; its `serverCallId` is what a start request names."""
        answer = self.management("POST", "/local/calls", {"participants": list(names)} if names else {})
        answer.raise_for_status()
        described: dict[str, object] = answer.json()
        return described

    def state(self) -> dict[str, object]:
        """The overview of calls, recordings, storage and queue."""
        described: dict[str, object] = self.management("GET", "/local/state").raise_for_status().json()
        return described

    def recording_state(self, recording_id: str) -> str:
        """The embedded service's own word for a recording, such as active, finishing or announced."""
        recordings = self.state()["recordings"]
        assert isinstance(recordings, list)
        return str(next(item["state"] for item in recordings if item["recordingId"] == recording_id))

    def _ready_line(self) -> str:
        stdout = self._running().stdout
        assert stdout is not None
        line = stdout.readline().decode()
        if "is ready" not in line:
            self.kill9()
            raise AssertionError(f"local_acs did not start, see {self.log}:\n{self.log.read_text()[-3000:]}")
        return line

    def _healthy(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.endpoint}/local/health", timeout=5, trust_env=False).is_success
        return False

    def _running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, "local_acs is not running"
        return self.process

    def _forget(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
