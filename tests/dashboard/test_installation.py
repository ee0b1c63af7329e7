"""The data folder: secrets and the lock."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboard import installation
from dashboard.environment import BadVariable


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = installation.secret(tmp_path, "key", make=installation.new_key)
    assert installation.secret(tmp_path, "key", make=installation.new_key) == first


def test_a_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    installation.secret(tmp_path, "key", make=installation.new_token)
    assert stat.S_IMODE((tmp_path / "secrets" / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_secret_that_many_make_at_once_is_the_same_for_all(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: installation.secret(tmp_path, "key", make=installation.new_key), range(32)))
    assert len(set(made)) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["key"]


def test_a_kept_secret_replaces_the_earlier_one(tmp_path: Path) -> None:
    installation.secret(tmp_path, "key", make=installation.new_key)
    installation.keep_secret(tmp_path, "key", "mine")
    assert installation.secret(tmp_path, "key", make=installation.new_key) == "mine"
    assert stat.S_IMODE((tmp_path / "secrets" / "key").stat().st_mode) == 0o600


def test_a_generated_password_can_be_read_out() -> None:
    groups = installation.new_password().split("-")
    assert [len(group) for group in groups] == [4, 4, 4, 4]
    assert not set("".join(groups)) & set("il1o0")


def test_a_second_holder_learns_who_the_first_is(tmp_path: Path) -> None:
    with (
        installation.only_one(tmp_path),
        pytest.raises(installation.AlreadyRunning, match=str(os.getpid())),
        installation.only_one(tmp_path),
    ):
        pass


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with installation.only_one(tmp_path):
            pass


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadVariable, match=r"TAPEDECK_DATA is “.*file/data”, which cannot be made: Not a directory"):
        installation.prepare(tmp_path / "file" / "data")


def test_a_new_data_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    installation.prepare(tmp_path / "deck")
    assert stat.S_IMODE((tmp_path / "deck").stat().st_mode) == 0o700
