"""Every setting: its default, and the words with which a bad value is refused."""

import base64
from pathlib import Path

import pytest

from local_acs.keys import stored_key
from local_acs.settings import SettingError, read_settings

KEY = base64.b64encode(b"key").decode()
KEYS = {f"LOCAL_ACS_{name}_KEY": KEY for name in ("ACCESS", "MANAGEMENT", "EVENT_GRID")}


def test_the_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    settings = read_settings({"TAPEDECK_DATA": str(tmp_path), **KEYS})
    assert (settings.host, settings.port, settings.live_calls) == ("127.0.0.1", 8801, 3)
    assert settings.data == tmp_path / "local_acs"
    assert settings.recordings == tmp_path / "local_acs" / "recordings"
    assert (settings.retention_seconds, settings.chunk_seconds, settings.chunk_bytes) == (86400, 14400, 1_500_000_000)
    assert (settings.topic, settings.subscription) == ("acs", "tapedeck")
    assert (settings.lock_seconds, settings.max_deliveries, settings.event_delay_seconds) == (60, 10, 1)
    assert (settings.pause_twice, settings.event_profile, settings.media_dir) == ("400-8573", "current", None)


def test_the_data_folder_can_be_named_apart(tmp_path: Path) -> None:
    assert read_settings({"LOCAL_ACS_DATA": str(tmp_path / "x"), **KEYS}).data == tmp_path / "x"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LOCAL_ACS_PORT", "0x50", "must be a number from 0 to 65535"),
        ("LOCAL_ACS_PORT", "70000", "must be a number from 0 to 65535"),
        ("LOCAL_ACS_PORT", "80.5", "must be a whole number"),
        ("LOCAL_ACS_RETENTION_SECONDS", "nan", "must be a number from 1"),
        ("LOCAL_ACS_LIVE_CALLS", "-1", "must be a number from 0 to 200"),
        ("LOCAL_ACS_PAUSE_TWICE", "409", "400-8573, 409-8571, 202"),
        ("LOCAL_ACS_EVENT_PROFILE", "2020", "current, 2021-04"),
        ("LOCAL_ACS_MEDIA_DIR", "/nonexistent/media", "must be an existing folder"),
        ("LOCAL_ACS_TOPIC", "a/b", "may hold letters"),
        ("LOCAL_ACS_HOST", "::", "needs LOCAL_ACS_ENDPOINT"),
        ("LOCAL_ACS_ENDPOINT", "localhost:80", "must look like http://host:port"),
        ("LOCAL_ACS_ENDPOINT", "http://localhost/path", "must look like http://host:port"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(tmp_path: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings({"LOCAL_ACS_DATA": str(tmp_path), **KEYS, name: value})
    assert f"{name}={value!r}" in str(refused.value)
    assert words in str(refused.value)


def test_a_bad_key_is_named_but_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings({"LOCAL_ACS_DATA": str(tmp_path), "LOCAL_ACS_ACCESS_KEY": "not base64!"})
    assert "LOCAL_ACS_ACCESS_KEY" in str(refused.value)
    assert "not base64!" not in str(refused.value)


def test_a_media_folder_and_an_endpoint_are_taken(tmp_path: Path) -> None:
    settings = read_settings(
        {"LOCAL_ACS_DATA": str(tmp_path), **KEYS, "LOCAL_ACS_MEDIA_DIR": str(tmp_path),
         "LOCAL_ACS_ENDPOINT": "https://acs.example:8443/"}
    )  # fmt: skip
    assert settings.media_dir == tmp_path
    assert settings.endpoint == "https://acs.example:8443"


def test_a_generated_key_stays_the_same_and_an_empty_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "access_key"
    first = stored_key(path)
    assert stored_key(path) == first
    path.write_text("")
    assert stored_key(path) not in ("", first)
