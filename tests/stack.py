"""The whole product, as `make run` starts it, on free ports and with a data folder of its own."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

import httpx
import psycopg

from tests import services

Engine = Literal["embedded", "services"]
T = TypeVar("T")

BASE = Path(__file__).resolve().parent.parent
READY_SECONDS = 150
STOP_SECONDS = 20
OURS = ("TAPEDECK_", "ACS_", "EVENT_GRID_", "LOCAL_ACS_", "DATABASE_URL", "CELERY_", "DJANGO_")
KEPT = ("TAPEDECK_REQUIRE_SERVICES",)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(question: Callable[[], T], *, within: float = 30, every: float = 0.05, what: str = "") -> T:
    """Asks until the answer is truthy, and returns it; fails after `within` seconds with the last answer."""
    deadline = time.monotonic() + within
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or question} still says {answer!r} after {within} s")
        time.sleep(every)


class Stack:
    """Web server, workers, scheduler and embedded service under their supervisor.

    `engine` is "embedded" (SQLite and the file system broker) or "services" (a database of its own in PostgreSQL and
    queues of its own in RabbitMQ). `environ` adds settings, by the names of the settings table. Use it as a context
    manager.
    """

    def __init__(self, root: Path, *, engine: Engine = "embedded", environ: Mapping[str, str] | None = None) -> None:
        self.engine = engine
        self.data = root / "data"
        self.port = free_port()
        self.local_acs_port = free_port()
        self.extra = dict(environ or {})
        self.process: subprocess.Popen[str] | None = None
        self.ready_line = ""
        self.messages: list[str] = []
        self._resources = ExitStack()
        self._engine_environ: dict[str, str] = {}

    def __enter__(self) -> Self:
        with suppress_on_success(self._resources):
            self.plant()
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._resources:
            self.stop()

    # Where it is

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def local_acs_url(self) -> str:
        return f"http://127.0.0.1:{self.local_acs_port}"

    @property
    def admin_password(self) -> str:
        return self.extra.get("TAPEDECK_ADMIN_PASSWORD") or self.secret("admin_password")

    @property
    def access_key(self) -> str:
        return self.secret("local_acs_access_key")

    @property
    def management_key(self) -> str:
        return self.secret("local_acs_management_key")

    @property
    def event_grid_key(self) -> str:
        return self.secret("local_acs_event_grid_key")

    def secret(self, name: str) -> str:
        """A generated secret of this installation."""
        return (self.data / "secrets" / name).read_text().strip()

    @property
    def environ(self) -> dict[str, str]:
        """The environment that the product and its commands run with."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS) or k in KEPT}
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        return {
            **inherited,
            "TAPEDECK_DATA": str(self.data),
            "TAPEDECK_PORT": str(self.port),
            "LOCAL_ACS_PORT": str(self.local_acs_port),
            **self._engine_environ,
            **self.extra,
        }

    # Starting and stopping

    def start(self) -> None:
        """Runs `manage.py run` and waits for its one line."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=BASE,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        assert self.process.stderr
        threading.Thread(target=self._listen, args=[self.process.stderr], daemon=True).start()
        watchdog = threading.Timer(READY_SECONDS, self.process.kill)
        watchdog.start()
        self.ready_line = self.process.stdout.readline().strip()
        watchdog.cancel()
        if not self.ready_line:
            self.process.wait()
            raise AssertionError("The stack did not start:\n" + "".join(self.messages))

    def _listen(self, lines: Iterable[str]) -> None:
        self.messages.extend(lines)

    def stop(self) -> float:
        """Sends Ctrl-C and returns the seconds it took to stop."""
        process, self.process = self.process, None
        if process is None:
            return 0.0
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"The stack did not stop in {STOP_SECONDS} s") from None
        finally:
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        return time.monotonic() - began

    def restart(self) -> None:
        """Stops and starts again, on the same data."""
        self.stop()
        self.start()

    # Looking in and interfering

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name: web, worker-control, worker-media, worker-derived, beat, local_acs, supervisor."""
        found = {}
        for path in (self.data / "run").glob("*.pid"):
            with suppress(ValueError, FileNotFoundError):
                found[path.stem] = int(path.read_text())
        return {name: pid for name, pid in found.items() if name != "supervisord"}

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal to one process; returns the process id it had."""
        pid = self.pids[name]
        os.kill(pid, number)
        return pid

    def wait_for_restart(self, name: str, *, after: int, within: float = 40) -> int:
        """Waits until `name` runs under another process id than `after`, and returns that."""
        return wait_until(lambda: self.pids.get(name, 0) not in {0, after} and self.pids[name], within=within)

    def log(self, name: str) -> str:
        """What a process has written so far."""
        path = self.data / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def manage(self, *arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a management command with this installation's settings."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE,
            env=self.environ,
            check=check,
            capture_output=True,
            text=True,
            timeout=120,
            input=stdin,
        )

    def client(self, username: str = "admin", password: str = "") -> httpx.Client:
        """An HTTP client that has signed in."""
        client = httpx.Client(base_url=self.url, follow_redirects=True, timeout=15)
        client.get("/sign-in/").raise_for_status()
        form = {"username": username, "password": password or self.admin_password, "next": "/healthz"}
        headers = {"X-CSRFToken": client.cookies["tapedeck_csrf"], "Referer": f"{self.url}/sign-in/"}
        answer = client.post("/sign-in/", data=form, headers=headers, follow_redirects=False)
        assert answer.status_code == 302, f"sign-in answered {answer.status_code}"
        return client

    def local(self, method: str, path: str, body: object = None) -> object:
        """Asks the embedded service's own management surface (`/local/…`); returns the decoded JSON, or None."""
        request = urllib.request.Request(
            f"{self.local_acs_url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"SharedAccessKey {self.management_key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=15) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def query(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Rows from the product's database; `?` stands for a parameter on both engines."""
        if self.engine == "embedded":
            with sqlite3.connect(self.data / "tapedeck.sqlite3", timeout=20) as connection:
                rows = connection.execute(statement, parameters).fetchall()
            connection.close()
            return rows
        with psycopg.connect(self._engine_environ["DATABASE_URL"]) as session:
            return session.execute(statement.replace("?", "%s").encode(), parameters).fetchall()

    # A start that need not migrate

    def plant(self) -> None:
        """Copies a migrated database and the static files from a seed, which is made once per state of the code."""
        if self.engine == "services":
            services.require()
            with _seed_lock():
                template = _postgresql_seed(self)
                address = self._resources.enter_context(services.own_database(template=template))
            prefix = self._resources.enter_context(services.own_queues())
            self._engine_environ = {
                "DATABASE_URL": address,
                "CELERY_BROKER_URL": services.RABBITMQ,
                "CELERY_QUEUE_PREFIX": prefix,
            }
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _seed_lock():
            seed = _folder_seed(self)
        shutil.copytree(seed / "static", self.data / "static", dirs_exist_ok=True)
        if self.engine == "embedded" and not (self.data / "tapedeck.sqlite3").exists():
            shutil.copy(seed / "tapedeck.sqlite3", self.data / "tapedeck.sqlite3")


@contextmanager
def suppress_on_success(resources: ExitStack) -> Iterator[None]:
    """Gives the resources back when the block fails; leaves them alone when it succeeds."""
    with ExitStack() as guard:
        guard.push(resources)
        yield
        guard.pop_all()


@contextmanager
def _seed_lock() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / f"tapedeck-seed-{os.getuid()}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state_of_the_code() -> str:
    """What migrations and static files are now."""
    facts = hashlib.sha256()
    sources = [
        *BASE.glob("*/migrations/*.py"),
        *(path for folder in (BASE / "static", BASE / "dashboard" / "static") for path in folder.rglob("*")),
        BASE / "dashboard" / "operators.py",
        BASE / "requirements.txt",
    ]
    for path in sorted(path for path in sources if path.is_file()):
        facts.update(f"{path}\0".encode() + path.read_bytes())
    return facts.hexdigest()[:16]


def _prepare(stack: Stack, folder: Path, **environ: str) -> None:
    """What a first start does before it starts anything."""
    ports = {"TAPEDECK_PORT": str(free_port()), "LOCAL_ACS_PORT": str(free_port())}
    environ = {**stack.environ, **ports, "TAPEDECK_DATA": str(folder), **environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "run", "--check"],
        cwd=BASE,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _folder_seed(stack: Stack) -> Path:
    seed = Path(tempfile.gettempdir()) / f"tapedeck-seed-{os.getuid()}-{_state_of_the_code()}"
    if not seed.exists():
        draft = Path(tempfile.mkdtemp(prefix="tapedeck-seed-draft-"))
        _prepare(stack, draft, DATABASE_URL="")
        for old in seed.parent.glob(f"tapedeck-seed-{os.getuid()}-*"):
            shutil.rmtree(old)
        draft.rename(seed)
    return seed


def _postgresql_seed(stack: Stack) -> str:
    name = f"tapedeck_seed_{_state_of_the_code()}"
    if not services.database_exists(name):
        draft = f"{name}_draft"
        services.drop_database(draft)
        address = services.create_database(draft)
        with tempfile.TemporaryDirectory() as folder:
            _prepare(stack, Path(folder), DATABASE_URL=address)
        services.rename_database(draft, to=name, dropping="tapedeck_seed_%")
    return name
