"""A worker that cannot be given work says so by falling silent."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.celery import HEARTBEAT_SECONDS
from tests import services
from tests.stack import BASE, Stack, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]


class Wire:
    """A stretch of the line to RabbitMQ that can be cut and mended."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.is_whole = True
        self.ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if not self.is_whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", 5672))
                self.ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=[source, sink], daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(block)
        sink.close()

    def cut(self) -> None:
        self.is_whole = False
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends.clear()

    def mend(self) -> None:
        self.is_whole = True


@pytest.fixture
def wire() -> Iterator[Wire]:
    services.require()
    wire = Wire()
    yield wire
    wire.cut()
    wire.listener.close()


@pytest.fixture
def stack(tmp_path: Path, wire: Wire) -> Iterator[Stack]:
    """A migrated data folder whose broker is at the other end of the wire; nothing runs yet."""
    with services.own_queues() as prefix:
        environ = {
            "CELERY_BROKER_URL": f"amqp://guest:guest@127.0.0.1:{wire.port}//",
            "CELERY_QUEUE_PREFIX": prefix,
            "TAPEDECK_HEARTBEAT": "worker:control",
        }
        stack = Stack(tmp_path, environ=environ)
        stack.plant()
        yield stack


@pytest.fixture
def worker(stack: Stack, tmp_path: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "--app=dashboard", "worker", "--pool=threads", "--concurrency=1"]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=BASE, env=stack.environ, stdout=log, stderr=log)
        yield
        process.kill()
        process.wait()


@pytest.mark.usefixtures("worker")
def test_a_worker_that_has_lost_its_broker_is_silent_until_it_is_back(stack: Stack, wire: Wire, tmp_path: Path) -> None:
    def last() -> object:
        rows = stack.query("SELECT beaten_at FROM recordings_heartbeat WHERE name = 'worker:control'")
        return rows[0][0] if rows else None

    first = wait_until(last, within=30)
    wait_until(lambda: last() != first, within=3 * HEARTBEAT_SECONDS)

    wire.cut()
    wait_until(lambda: "Connection to broker lost" in (tmp_path / "worker.log").read_text())
    silent = last()
    with pytest.raises(AssertionError):
        wait_until(lambda: last() != silent, within=2.5 * HEARTBEAT_SECONDS)

    wire.mend()
    wait_until(lambda: last() != silent, within=30)
