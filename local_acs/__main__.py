"""`python -m local_acs`: run the embedded Call Recording service until it is told to stop."""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from local_acs.app import create_app
from local_acs.connections import KnownProtocol
from local_acs.database import DatabaseError
from local_acs.service import Service
from local_acs.settings import SettingError, Settings, read_settings

USAGE_ERROR = 2
GRACEFUL_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 75


class StartError(Exception):
    """The service cannot start; the message is one line for whoever started it."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends on SIGTERM and SIGINT with status 0, and wakes the long polls that would hold up the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        yield

    def _end(self) -> None:
        self.should_exit = True
        self._service.begin_closing()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"local_acs is ready: {self._service.endpoint}\n")
        sys.stdout.flush()


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read_settings()
        with _only_one(settings.data):
            _serve(settings)
    except (SettingError, StartError, DatabaseError) as error:
        sys.stderr.write(f"local_acs cannot start: {error}\n")
        return USAGE_ERROR
    return 0


def _serve(settings: Settings) -> None:
    listener = _listen(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    endpoint = settings.endpoint or f"http://{host}:{listener.getsockname()[1]}"
    service = Service(settings, endpoint)
    service.recover()
    config = uvicorn.Config(
        create_app(service),
        http=KnownProtocol,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,  # type: ignore[arg-type]
    )
    _Server(config, service).run(sockets=[listener])


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise StartError(f"{where} is in use; stop what listens there or set LOCAL_ACS_PORT") from error
        raise StartError(f"cannot listen on {where}: {error.strerror}") from error
    return listener


@contextlib.contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """Holds the lock of the data folder, so that two services never write to the same files."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"the data folder {data} cannot be used: {error.strerror}; set LOCAL_ACS_DATA") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StartError(f"another local_acs is using {data}; stop it or set LOCAL_ACS_DATA") from error
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
