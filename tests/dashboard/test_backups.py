"""Backup and restore, on both databases."""

import io
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from dashboard import backups, installation
from tests import services
from tests.dashboard.settings_of import manage

Manage = Callable[..., str]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """A DATABASE_URL; empty for the default."""
    if request.param == "sqlite":
        yield ""
        return
    services.require("pg_dump", "pg_restore")
    with services.own_database() as address:
        yield address


@pytest.fixture
def run(tmp_path: Path, database: str) -> Manage:
    """Runs a management command on an installation with one operator and one archived file."""

    def command(*arguments: str, data: str = "deck") -> str:
        done = manage(tmp_path / data, {"DATABASE_URL": database}, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    command("migrate", "--verbosity=0")
    command("reset_operator", "maria", "--create")
    archived = tmp_path / "deck" / "archive" / "resource" / "2026" / "0-abc.mp4"
    archived.parent.mkdir(parents=True)
    archived.write_bytes(b"media" * 1000)
    return command


def users(run: Manage, **where: str) -> str:
    code = "from django.contrib.auth.models import User; print(*User.objects.values_list('username', flat=True))"
    return run("shell", "--no-imports", "--command", code, **where).strip()


def test_what_was_lost_comes_back(tmp_path: Path, run: Manage) -> None:
    run("backup", str(tmp_path / "backup.tar"))
    key = (tmp_path / "deck" / "secrets" / "secret_key").read_text()
    run("reset_operator", "intruder", "--create")
    shutil.rmtree(tmp_path / "deck" / "archive")
    (tmp_path / "deck" / "secrets" / "secret_key").unlink()

    run("restore", str(tmp_path / "backup.tar"), "--replace")

    assert users(run) == "maria"
    assert (tmp_path / "deck" / "archive" / "resource" / "2026" / "0-abc.mp4").read_bytes() == b"media" * 1000
    assert (tmp_path / "deck" / "secrets" / "secret_key").read_text() == key


def test_a_backup_is_for_its_owner_only_and_leaves_no_draft(tmp_path: Path, run: Manage) -> None:
    said = run("backup", str(tmp_path / "backup.tar"))
    assert "It holds secrets" in said
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert list((tmp_path / "deck").glob(".backup-*")) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_backup_moves_an_installation(tmp_path: Path, run: Manage) -> None:
    run("backup", str(tmp_path / "backup.tar"))
    said = run("restore", str(tmp_path / "backup.tar"), data="elsewhere")
    assert "before" not in said
    assert users(run, data="elsewhere") == "maria"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_recordings_are_replaced_only_when_asked(tmp_path: Path, run: Manage) -> None:
    run("backup", str(tmp_path / "backup.tar"))
    done = manage(tmp_path / "deck", {}, "restore", str(tmp_path / "backup.tar"))
    assert done.returncode == 1
    assert "holds recordings already. To replace them, add --replace." in done.stderr


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_replaced_is_kept_aside(tmp_path: Path, run: Manage) -> None:
    run("backup", str(tmp_path / "backup.tar"))
    said = run("restore", str(tmp_path / "backup.tar"), "--replace")
    assert f"What was there before is in {tmp_path / 'deck' / 'replaced'}." in said
    (aside,) = (tmp_path / "deck" / "replaced").iterdir()
    assert (aside / "tapedeck.sqlite3").is_file()
    assert (aside / "archive" / "resource" / "2026" / "0-abc.mp4").is_file()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_embedded_service_is_copied_while_it_writes(tmp_path: Path, run: Manage) -> None:
    folder = tmp_path / "deck" / "local_acs"
    folder.mkdir()
    live = sqlite3.connect(folder / "state.sqlite3")
    live.execute("PRAGMA journal_mode=WAL")
    live.execute("CREATE TABLE calls (id)")
    live.execute("INSERT INTO calls VALUES (7)")
    live.commit()
    run("backup", str(tmp_path / "backup.tar"))
    live.close()
    run("restore", str(tmp_path / "backup.tar"), data="elsewhere")
    copied = sqlite3.connect(tmp_path / "elsewhere" / "local_acs" / "state.sqlite3")
    assert copied.execute("SELECT id FROM calls").fetchall() == [(7,)]
    copied.close()


WRITE_TWO = """
from recordings import manifest
from tests import rows
for _ in range(2):
    row = rows.recording()
    rows.notification(row)
    manifest.write(row)
"""
LATER = """
from recordings import manifest
from recordings.models import Notification, Recording
known, new = Recording.objects.order_by("pk")
(_, key), = manifest.versions(manifest.folder(known))
manifest.storage.archive().delete(key)
Notification.objects.filter(recording=new).delete()
new.delete()
"""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_backup_whose_archive_is_of_a_later_moment_restores_to_a_ledger_that_balances(
    tmp_path: Path, run: Manage
) -> None:
    """One manifest was replaced between listing and copying; one recording came after the database was copied."""
    for code in (WRITE_TWO, LATER):
        run("shell", "--no-imports", "--command", code)
    run("backup", str(tmp_path / "backup.tar"))
    run("restore", str(tmp_path / "backup.tar"), data="elsewhere")
    assert '"balanced": true' in run("ledger", "--json", data="elsewhere")


def test_a_running_installation_is_not_restored(tmp_path: Path, data_folder: Path) -> None:
    with installation.only_one(data_folder), pytest.raises(CommandError, match="is running"):
        call_command("restore", str(tmp_path / "backup.tar"))


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"could not be written to .*missing/backup.tar: No such file or directory"):
        call_command("backup", str(tmp_path / "missing" / "backup.tar"))


def tar_of(path: Path, **members: bytes) -> Path:
    """A tar file with these members; `__` in a name stands for a slash."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("backup/json", "backup.json"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


FACTS = json.dumps({"format": 1, "engine": "sqlite"}).encode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"backup__json": FACTS}, "or not whole"),
        ({"other": b""}, "is no backup of Tapedeck"),
        ({"backup__json": b"{}"}, "is no backup of Tapedeck"),
        ({"backup__json": b"no json"}, "is no backup of Tapedeck"),
        (
            {"backup__json": json.dumps({"format": 9, "engine": "sqlite"}).encode()},
            "has format 9; this version reads 1",
        ),
        ({"backup__json": json.dumps({"format": 1, "engine": "oracle"}).encode()}, "of a oracle database"),
        ({"backup__json": FACTS, "archive__..__..__etc": b"x"}, "which has no place here; nothing was restored"),
        ({"backup__json": FACTS, "log__web.log": b"x"}, "which has no place here; nothing was restored"),
    ],
)
def test_what_is_no_whole_backup_is_refused(tmp_path: Path, members: dict[str, bytes], complaint: str) -> None:
    with pytest.raises(backups.BackupFailed, match=complaint):
        backups.restore(tar_of(tmp_path / "backup.tar", **members), replace=False)
    assert not (tmp_path / "etc").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(backups.BackupFailed, match=r"nothing.tar could not be restored: No such file or directory"):
        backups.restore(tmp_path / "nothing.tar", replace=False)


@pytest.mark.django_db
def test_a_symbolic_link_is_not_followed(tmp_path: Path, data_folder: Path) -> None:
    (data_folder / "archive").mkdir()
    (data_folder / "archive" / "link").symlink_to("/etc/passwd")
    User.objects.create_user("maria")
    backups.write(tmp_path / "backup.tar")
    with tarfile.open(tmp_path / "backup.tar") as tar:
        assert tar.getnames() == ["backup.json", "database"]


@pytest.mark.services
def test_missing_client_programs_are_named_with_their_package(tmp_path: Path) -> None:
    services.require()
    with services.own_database() as address:
        done = manage(
            tmp_path / "deck",
            {"DATABASE_URL": address, "PATH": "/nonexistent"},
            "backup",
            str(tmp_path / "b.tar"),
        )
    assert done.returncode == 1
    assert "pg_dump is missing. Install it with: apt-get install -y postgresql-client" in done.stderr
