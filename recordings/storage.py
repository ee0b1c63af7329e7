"""Where bytes lie: the spool, a local folder for what is on its way, and the archive, behind Django's `STORAGES`.

The archive is write-once. `ArchiveFiles` keeps that promise on a file system: written under a temporary name, flushed
to the disk, and linked to its final name, which fails when that name is taken. Another backend must refuse to overwrite
by itself (for S3: `file_overwrite=False` and conditional puts).
"""

import contextlib
import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from recordings import crashpoints

BLOCK_BYTES = 256 * 1024
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system answers when there is no room for another byte: disk, quota and process limit."""
UNFINISHED = ".unfinished"
"""The folder of the archive in which objects lie until they are whole."""
ABANDONED_SECONDS = 6 * 3600
"""An unfinished object this old belongs to a worker that died."""


class KeyTaken(Exception):
    """Another object already has this key in the archive."""


class ArchiveFiles(FileSystemStorage):
    """A write-once folder: a name that exists is never written again."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: a taken one is refused when saving, not dodged."""
        del max_length
        return name

    def _save(self, name: str, content: "File[bytes]") -> str:
        target = Path(self.path(name))
        drafts = Path(self.location) / UNFINISHED
        self._make_folders(drafts)
        self._make_folders(target.parent)
        handle, draft = tempfile.mkstemp(dir=drafts)
        try:
            with os.fdopen(handle, "wb") as file:
                for block in content.chunks(BLOCK_BYTES):
                    file.write(block)
                flush_to_disk(file)
            crashpoints.reach("storage.before_link")
            os.link(draft, target)
            crashpoints.reach("storage.after_link")
        except FileExistsError as error:
            raise KeyTaken(f"The archive already has an object named {name}.") from error
        finally:
            Path(draft).unlink(missing_ok=True)
        if self.file_permissions_mode is not None:
            target.chmod(self.file_permissions_mode)
        _flush_folders(target.parent, Path(self.location))
        return name

    def remove_abandoned(self) -> int:
        """Deletes what workers that died left unfinished; returns how many there were."""
        limit = time.time() - ABANDONED_SECONDS
        drafts = [path for path in (Path(self.location) / UNFINISHED).glob("*") if path.stat().st_mtime < limit]
        for path in drafts:
            path.unlink(missing_ok=True)
        return len(drafts)

    def _make_folders(self, folder: Path) -> None:
        mode = self.directory_permissions_mode or 0o777
        for each in (*reversed(folder.parents), folder):
            with contextlib.suppress(FileExistsError):
                each.mkdir(mode=mode)


def _flush_folders(folder: Path, top: Path) -> None:
    """Makes the names on the way from `folder` up to `top` survive a power cut."""
    while True:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if folder == top or top not in folder.parents:
            return
        folder = folder.parent


def flush_to_disk(file: IO[bytes]) -> None:
    """Returns once the bytes written so far would survive a power cut."""
    file.flush()
    os.fdatasync(file.fileno())


def archive() -> Storage:
    """The archive, as `STORAGES["archive"]` names it."""
    return storages["archive"]


def remove_abandoned() -> int:
    """Deletes what dead workers left unfinished in the archive; other backends do that by themselves."""
    files = archive()
    return files.remove_abandoned() if isinstance(files, ArchiveFiles) else 0


class _Ticking(File):  # type: ignore[type-arg]  # generic for type checkers only
    """A file that reports progress for every block that a storage reads from it."""

    def __init__(self, file: IO[bytes], *, name: str, tick: Callable[[], None]) -> None:
        super().__init__(file, name=name)
        self._tick = tick

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for block in super().chunks(chunk_size or BLOCK_BYTES):
            self._tick()
            yield block


def put(key: str, path: Path, *, tick: Callable[[], None] = lambda: None) -> None:
    """Stores the file at `path` under `key`; KeyTaken when the key is in use, whoever won the race for it."""
    if archive().exists(key):
        raise KeyTaken(f"The archive already has an object named {key}.")
    with path.open("rb") as file:
        _saved_as(key, archive().save(key, _Ticking(file, name=key, tick=tick)))


def put_text(key: str, text: str) -> None:
    """Stores a small text under `key`, as UTF-8; KeyTaken as in `put`."""
    if archive().exists(key):
        raise KeyTaken(f"The archive already has an object named {key}.")
    _saved_as(key, archive().save(key, ContentFile(text.encode(), name=key)))


def _saved_as(key: str, name: str) -> None:
    if name != key:  # a backend that dodges a taken name instead of refusing it
        archive().delete(name)
        raise KeyTaken(f"The archive already has an object named {key}.")


def read_bytes(key: str) -> bytes:
    """A small object of the archive, whole."""
    with archive().open(key, "rb") as file:
        return bytes(file.read())


def digest(key: str, *, tick: Callable[[], None] = lambda: None) -> tuple[str, int]:
    """SHA-256 in hexadecimal and size in bytes of an archived object, read back block by block through the storage."""
    total, sha = 0, hashlib.sha256()
    with archive().open(key, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            sha.update(block)
            total += len(block)
            tick()
    return sha.hexdigest(), total


def walk(prefix: str = "") -> Iterator[str]:
    """The keys of all finished objects below `prefix`, in the order of their names."""
    try:
        folders, files = archive().listdir(prefix)
    except FileNotFoundError:
        return
    for name in sorted(files):
        yield f"{prefix}/{name}" if prefix else name
    for folder in sorted(folders):
        if folder != UNFINISHED:
            yield from walk(f"{prefix}/{folder}" if prefix else folder)


def shows_anything() -> bool:
    """Whether the archive has a finished object at all; an archive that is not mounted has none."""
    return next(walk(), None) is not None


@contextlib.contextmanager
def local_copy(key: str) -> Iterator[Path]:
    """A path for programs that need one to read an archived object; a temporary copy when the archive is remote."""
    files = archive()
    if isinstance(files, FileSystemStorage):
        yield Path(files.path(key))
        return
    with tempfile.NamedTemporaryFile(dir=_spool(), suffix=".copy") as copy, files.open(key) as file:
        while block := file.read(BLOCK_BYTES):
            copy.write(block)
        copy.flush()
        yield Path(copy.name)


def _spool() -> Path:
    folder = Path(settings.SPOOL_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def spool_path(name: str) -> Path:
    """The path of a spooled file. Only bare names are spool names."""
    if not name or name != Path(name).name:
        raise ValueError(f"{name!r} is no name of a spooled file")
    return _spool() / name


def part_name(media_file_id: object, attempt: int) -> str:
    """The spool name of one attempt's bytes: no two attempts ever write to the same file."""
    return f"{media_file_id}.{attempt}.part"


def parts(media_file_id: object = "*") -> list[Path]:
    """The spooled parts of one file, or of all."""
    return sorted(_spool().glob(f"{media_file_id}.*.part"))


def is_full(error: OSError) -> bool:
    """Whether `error` means that there is no room left."""
    return error.errno in FULL
