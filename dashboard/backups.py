"""One file that holds a whole installation: database, archive, spool and secrets, taken while it runs.

The database is copied first. Archived media are written once and never changed, so all that it names are there when
they are copied after it. Manifests are replaced as their recordings change: the backup may hold newer ones than its
database knows, or none, and those of recordings that came in between. `catch_up` sets that right after a restore.
"""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from recordings import clock

FORMAT: Final = 1
KEPT_FOLDERS: Final = ("archive", "files", "local_acs", "secrets", "spool")
"""What is backed up of the data folder; logs, broker, collected static files and run files come back by themselves."""
DATABASE_MEMBER: Final = "database"
FACTS_MEMBER: Final = "backup.json"
SQLITE_MAGIC: Final = b"SQLite format 3\0"
SQLITE_COMPANIONS: Final = ("-wal", "-shm", "-journal")
BLOCK: Final = 1 << 20


class BackupFailed(Exception):
    """A backup could not be written or read; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a backup holds."""

    engine: str
    files: int
    bytes: int


def write(target: Path) -> Summary:
    """Writes a backup of this installation to `target`, which appears there only when it is whole."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    files = size = 0
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
                facts = {"format": FORMAT, "engine": connection.vendor, "taken_at": clock.now().isoformat()}
                _add_bytes(tar, FACTS_MEMBER, json.dumps(facts).encode())
                for name, path in _members():
                    size += _add_file(tar, name, path)
                    files += 1
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(target)
    except OSError as error:
        raise BackupFailed(f"The backup could not be written to {target}: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return Summary(engine=connection.vendor, files=files, bytes=size)


def _members() -> Iterator[tuple[str, Path]]:
    """Names inside the backup and the files to take them from; copies of databases exist only until the next member."""
    with tempfile.TemporaryDirectory(dir=settings.TAPEDECK_DATA, prefix=".backup-") as folder:
        copy = Path(folder) / "copy"
        _dump_database(copy)
        yield DATABASE_MEMBER, copy
        for top in KEPT_FOLDERS:
            for path in sorted((settings.TAPEDECK_DATA / top).rglob("*")):
                if not path.is_file() or path.is_symlink() or path.name.endswith(SQLITE_COMPANIONS):
                    continue
                name = path.relative_to(settings.TAPEDECK_DATA).as_posix()
                if _is_sqlite(path):
                    copy.unlink(missing_ok=True)
                    _copy_sqlite(path, copy)
                    yield name, copy
                else:
                    yield name, path


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy of a database that others may be writing to."""
    original = sqlite3.connect(source, timeout=20)
    try:
        original.execute("VACUUM INTO ?", [str(target)])
    finally:
        original.close()


def _dump_database(target: Path) -> None:
    if connection.vendor == "sqlite":
        _copy_sqlite(Path(connection.settings_dict["NAME"]), target)
    else:
        _postgresql("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def _postgresql(program: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's client programs on the configured database."""
    path = shutil.which(program)
    if path is None:
        raise BackupFailed(f"{program} is missing. Install it with: apt-get install -y postgresql-client")
    database = connection.settings_dict
    places = {"--host": database["HOST"], "--port": database["PORT"], "--username": database["USER"]}
    command = [
        path,
        *(f"{option}={value}" for option, value in places.items() if value),
        f"--dbname={database['NAME']}",
        "--no-password",
        *arguments,
    ]
    environ = {**os.environ, **({"PGPASSWORD": database["PASSWORD"]} if database["PASSWORD"] else {})}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupFailed(f"{program} failed: {done.stderr.strip()}")


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o600
    tar.addfile(member, io.BytesIO(content))


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> int:
    """Adds one file as long as it was when it was opened; returns its size."""
    with path.open("rb") as file:
        member = tar.gettarinfo(arcname=name, fileobj=file)
        member.mode = 0o600
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        tar.addfile(member, file)
    return member.size


def restore(source: Path, *, replace: bool) -> Summary:
    """Puts a backup in the place of this installation's data, which must be empty unless `replace`.

    What is replaced is kept, in the folder `replaced` of the data folder. The caller holds the installation's lock.
    """
    data = settings.TAPEDECK_DATA
    try:
        with (
            tarfile.open(source, mode="r:") as tar,
            tempfile.TemporaryDirectory(dir=data, prefix=".restore-") as folder,
        ):
            engine = _engine_of(tar)
            if engine != connection.vendor:
                raise BackupFailed(
                    f"The backup is of a {engine} database and DATABASE_URL names a {connection.vendor} one."
                    " Restore it to the same kind, or unpack its archive folder and run: manage.py rebuild"
                )
            if not replace and _holds_recordings():
                raise BackupFailed(f"{data} holds recordings already. To replace them, add --replace.")
            staged = Path(folder)
            files, size = _unpack(tar, staged)
            _swap_in(staged)
    except (tarfile.TarError, json.JSONDecodeError, KeyError) as error:
        raise BackupFailed(f"{source} is no backup of Tapedeck, or not whole: {error}.") from error
    except OSError as error:
        raise BackupFailed(f"{source} could not be restored: {error.strerror or error}.") from error
    return Summary(engine=connection.vendor, files=files, bytes=size)


def catch_up() -> list[str]:
    """Makes the restored database know what the restored archive holds; returns what could not be used, as sentences.

    The database may be of an earlier version of Tapedeck: its tables are brought up to date first.
    """
    from recordings import manifest, rebuild

    call_command("migrate", interactive=False, verbosity=0)
    manifest.renew_where_astray()
    return rebuild.rebuild().problems


def _engine_of(tar: tarfile.TarFile) -> str:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == FACTS_MEMBER else None
    if content is None:
        raise KeyError(FACTS_MEMBER)
    facts: dict[str, str | int] = json.load(content)
    if facts["format"] != FORMAT:
        raise BackupFailed(f"The backup has format {facts['format']}; this version reads {FORMAT}.")
    return str(facts["engine"])


def _holds_recordings() -> bool:
    if any(path.is_file() for path in settings.ARCHIVE_DIR.rglob("*")):
        return True
    if "recordings_recording" not in connection.introspection.table_names():
        return False
    from recordings.models import Recording

    return Recording.objects.exists()


def _unpack(tar: tarfile.TarFile, folder: Path) -> tuple[int, int]:
    """Writes the members below `folder`; a name that leads anywhere else is refused."""
    files = size = 0
    for member in tar:
        if member.name == FACTS_MEMBER:
            continue
        place = PurePosixPath(member.name)
        known = member.name == DATABASE_MEMBER or place.parts[0] in KEPT_FOLDERS
        content = tar.extractfile(member) if member.isreg() else None
        if content is None or not known or place.is_absolute() or ".." in place.parts:
            raise BackupFailed(f"The backup holds “{member.name}”, which has no place here; nothing was restored.")
        path = folder / place
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as file:
            shutil.copyfileobj(content, file, BLOCK)
            os.fsync(file.fileno())
        path.chmod(0o600)
        files += 1
        size += member.size
    if not (folder / DATABASE_MEMBER).exists():
        raise KeyError(DATABASE_MEMBER)
    return files, size


def _swap_in(staged: Path) -> None:
    data: Path = settings.TAPEDECK_DATA
    aside = data / "replaced" / clock.now().strftime("%Y%m%dT%H%M%SZ")
    aside.mkdir(mode=0o700, parents=True)
    if connection.vendor == "sqlite":
        connection.close()
        database = Path(connection.settings_dict["NAME"])
        for path in [database, *(database.with_name(database.name + end) for end in SQLITE_COMPANIONS)]:
            if path.exists():
                path.rename(aside / path.name)
        (staged / DATABASE_MEMBER).rename(database)
    else:
        _postgresql("pg_dump", "--format=custom", "--no-owner", f"--file={aside / DATABASE_MEMBER}")
        restoring = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
        _postgresql("pg_restore", *restoring, str(staged / DATABASE_MEMBER))
    for name in KEPT_FOLDERS:
        if (data / name).exists():
            (data / name).rename(aside / name)
        if (staged / name).exists():
            (staged / name).rename(data / name)
