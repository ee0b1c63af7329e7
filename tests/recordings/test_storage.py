"""The archive never writes a name twice, and forgets what was never finished."""

import os
import threading
import time
from pathlib import Path

import pytest

from recordings import storage

IN_MEMORY = {"BACKEND": "django.core.files.storage.InMemoryStorage", "OPTIONS": {}}


def use(settings, backend: str) -> None:
    options = settings.STORAGES["archive"]["OPTIONS"]
    settings.STORAGES = {**settings.STORAGES, "archive": {"BACKEND": backend, "OPTIONS": options}}


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "a"
    path.write_bytes(b"bytes" * 100_000)
    return path


def test_a_key_is_written_once(file):
    storage.put("r/1.mp4", file)
    with pytest.raises(storage.KeyTaken):
        storage.put("r/1.mp4", file)
    with pytest.raises(storage.KeyTaken):
        storage.put_text("r/1.mp4", "other")


def test_of_two_writers_of_one_key_one_wins(file):
    ready, results = threading.Barrier(2), []

    def write():
        archive = storage.archive()
        with file.open("rb") as source:
            ready.wait(5)
            try:
                archive._save("r/1.mp4", storage._Ticking(source, name="r/1.mp4", tick=lambda: None))
                results.append("won")
            except storage.KeyTaken:
                results.append("taken")

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["taken", "won"]
    assert list(storage.walk()) == ["r/1.mp4"]


def test_a_backend_that_dodges_a_taken_name_is_seen_through(file, settings, monkeypatch):
    use(settings, "django.core.files.storage.FileSystemStorage")
    storage.put("r/1.mp4", file)
    monkeypatch.setattr(storage.archive(), "exists", lambda name: False)
    monkeypatch.setattr(storage.archive(), "is_name_available", lambda name, max_length=None: "_" in name)
    with pytest.raises(storage.KeyTaken):
        storage.put("r/1.mp4", file)
    assert list(storage.walk()) == ["r/1.mp4"]


def test_what_dead_workers_left_unfinished_is_removed(settings, file):
    storage.put("r/1.mp4", file)
    draft = Path(settings.ARCHIVE_DIR, storage.UNFINISHED, "draft")
    draft.write_bytes(b"half")
    assert storage.remove_abandoned() == 0
    long_ago = time.time() - storage.ABANDONED_SECONDS - 1
    os.utime(draft, (long_ago, long_ago))
    assert storage.remove_abandoned() == 1
    assert list(storage.walk()) == ["r/1.mp4"]


def test_other_backends_look_after_their_own(settings):
    settings.STORAGES = {**settings.STORAGES, "archive": IN_MEMORY}
    assert storage.remove_abandoned() == 0


def test_an_object_of_a_remote_archive_is_copied_for_programs_that_need_a_path(settings, file):
    settings.STORAGES = {**settings.STORAGES, "archive": IN_MEMORY}
    storage.put("r/1.mp4", file)
    with storage.local_copy("r/1.mp4") as path:
        assert path.read_bytes() == file.read_bytes()
    assert not path.exists()
    assert storage.digest("r/1.mp4")[1] == 500_000


def test_an_archive_that_was_never_written_is_empty():
    assert list(storage.walk()) == []
