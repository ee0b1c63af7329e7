"""One installation: its data folder, its secrets, the lock that keeps a second start away, and its own address."""

import base64
import contextlib
import fcntl
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from dashboard.environment import BadVariable

OWNER_ONLY_FOLDER = 0o700
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  (compared, not bound)
KEY_BYTES = 64
"""Azure's own access keys are 64 bytes long."""


class AlreadyRunning(Exception):
    """Another process holds the lock of this data folder."""


def prepare(data: Path) -> None:
    """Makes the data folder, for its owner only; says so by the variable's name when it cannot."""
    try:
        data.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise BadVariable(f"TAPEDECK_DATA is “{data}”, which cannot be made: {error.strerror}.") from error
    if not os.access(data, os.W_OK | os.X_OK):
        raise BadVariable(f"TAPEDECK_DATA is “{data}”, which this user cannot write to.")


def url_host(host: str) -> str:
    """The host as it stands in a URL and in a Host header: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def own_address(*, host: str, port: int) -> str:
    """Where this machine reaches a dashboard that listens on `host` and `port`."""
    return f"http://{url_host('127.0.0.1' if host in EVERY_ADDRESS else host)}:{port}"


def new_key() -> str:
    """A random access key in base64, shaped like Azure's."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def new_token() -> str:
    """A random text for signing or for an address nobody can guess."""
    return secrets.token_urlsafe(KEY_BYTES)


def new_password() -> str:
    """A password of four groups that can be read out and typed."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def secret(data: Path, name: str, *, make: Callable[[], str]) -> str:
    """The secret `name` of this installation; made and kept with mode 0600 when it is not there yet.

    Two processes that ask at the same moment get the same answer: the file is linked into place, which only one can do.
    """
    path = data / "secrets" / name
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    path.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    drafted = _draft(path, make())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(drafted)
    drafted.unlink()
    return path.read_text().strip()


def keep_secret(data: Path, name: str, value: str) -> None:
    """Writes the secret `name`, in place of an earlier one."""
    path = data / "secrets" / name
    path.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    _draft(path, value).replace(path)


def _draft(path: Path, value: str) -> Path:
    """A file of mode 0600 beside `path` that holds `value`, on disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Holds the data folder for this process; raises AlreadyRunning with the other's process id when it is held."""
    run = data / "run"
    run.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    with (run / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise AlreadyRunning(lock.read().strip() or "unknown") from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
