"""The bytes of one retrieval attempt, written, counted and hashed in one pass; and whether there is room for them."""

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from recordings import clock, storage
from recordings.models import Condition

DISK_PROBE_SECONDS = 10.0
"""How often it is tried whether there is room again."""
RESERVE_BYTES = 64 * 1024 * 1024
"""Left free on the spool's disk, so that the database can still write down that the disk is full."""


class Part:
    """A spool file that belongs to one attempt alone, and the hash of what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.flushed = 0
        """How many bytes would survive a power cut."""
        self._sha = hashlib.sha256()
        self._lock = threading.Lock()  # renewal flushes from a thread of its own
        # Unbuffered: what was counted has reached the operating system, and closing cannot fail for want of room.
        self._file = path.open("wb", buffering=0)

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()

    def write(self, block: bytes) -> None:
        """Appends `block`; OSError when there is no room, and then nothing of it counts."""
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._sha.update(block)
        self.size += len(block)

    def copy_from(self, path: Path, *, size: int, tick: Callable[[], None]) -> None:
        """Takes over the first `size` bytes of another attempt's file, through the hash.

        They are copied, not renamed: a stalled attempt that wakes up still writes to its own file.
        """
        with path.open("rb") as source:
            while self.size < size and (block := source.read(min(storage.BLOCK_BYTES, size - self.size))):
                self.write(block)
                tick()

    def adopt(self, path: Path, *, size: int, tick: Callable[[], None]) -> None:
        """Makes another attempt's file its own and hashes the first `size` bytes; what follows them is cut off."""
        with self._lock:
            self._file.close()
            path.replace(self.path)
            self._file = self.path.open("r+b", buffering=0)
        while self.size < size and (block := self._file.read(min(storage.BLOCK_BYTES, size - self.size))):
            self._sha.update(block)
            self.size += len(block)
            tick()
        self._file.truncate(self.size)

    def empty(self) -> None:
        """Begins anew."""
        self._file.seek(0)
        self._file.truncate()
        self.size = self.flushed = 0
        self._sha = hashlib.sha256()

    def flush(self) -> None:
        """Makes what was written so far survive a power cut."""
        with self._lock:
            if not self._file.closed:
                size = self.size
                os.fdatasync(self._file.fileno())
                self.flushed = size

    def close(self) -> None:
        """Flushes and lets go of the file, without what a failed write may have left at its end."""
        with self._lock:
            if not self._file.closed:
                with self._file:
                    self._file.truncate(self.size)
                    os.fdatasync(self._file.fileno())
                self.flushed = self.size


def check_room(size: int) -> None:
    """Raises the operating system's own error when the spool's disk has no room for `size` bytes and the reserve."""
    folder = Path(settings.SPOOL_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < size + RESERVE_BYTES:
        raise OSError(errno.ENOSPC, f"No room for {size} bytes and a reserve of {RESERVE_BYTES}", str(folder))


def report_full(error: OSError) -> None:
    """Raises the condition that holds all retrieval and archiving until the next probe."""
    detail = f"No room left: {error.strerror or error}. Nothing is lost; work goes on by itself once there is room."
    probe = clock.now() + clock.seconds(DISK_PROBE_SECONDS)
    Condition.objects.report(Condition.Kind.DISK_FULL, resource=None, detail=detail, probe_at=probe)


def probe_disk() -> None:
    """Closes the full-disk condition when its probe is due and there is room again."""
    if not Condition.objects.open().filter(kind=Condition.Kind.DISK_FULL, probe_at__lte=clock.now()).exists():
        return
    try:
        check_room(0)
    except OSError as error:
        report_full(error)
    else:
        Condition.objects.clear(Condition.Kind.DISK_FULL, resource=None)
