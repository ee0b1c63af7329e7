"""What the environment makes of the settings."""

from pathlib import Path

import pytest

from tests.dashboard.settings_of import REAL, manage, settings_of


def test_without_a_resource_everything_points_at_the_embedded_service(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"LOCAL_ACS_PORT": "18801", "TAPEDECK_PORT": "18000"})
    assert settings["TAPEDECK_EMBEDDED"] is True
    assert settings["ACS_ENDPOINT"] == settings["EVENT_GRID_ENDPOINT"] == "http://127.0.0.1:18801"
    assert settings["ACS_ACCESS_KEY"] == (tmp_path / "secrets" / "local_acs_access_key").read_text().strip()
    assert settings["EVENT_GRID_KEY"] == (tmp_path / "secrets" / "local_acs_event_grid_key").read_text().strip()
    assert settings["LOCAL_ACS_MANAGEMENT_KEY"]
    assert settings["TAPEDECK_PUBLIC_URL"] == "http://127.0.0.1:18000"


def test_the_three_embedded_keys_differ(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {})
    keys = {settings[f"LOCAL_ACS_{name}_KEY"] for name in ("ACCESS", "MANAGEMENT", "EVENT_GRID")}
    assert len(keys) == 3


def test_a_given_embedded_key_is_used(tmp_path: Path) -> None:
    assert settings_of(tmp_path, {"LOCAL_ACS_ACCESS_KEY": "a2tr"})["ACS_ACCESS_KEY"] == "a2tr"


def test_one_retention_holds_for_both_sides(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"LOCAL_ACS_RETENTION_SECONDS": "172800"})
    assert settings["ACS_RETENTION_SECONDS"] == settings["LOCAL_ACS_RETENTION_SECONDS"] == 172800


@pytest.mark.parametrize(
    "environ",
    [
        {"ACS_ENDPOINT": REAL["ACS_ENDPOINT"], "ACS_ACCESS_KEY": REAL["ACS_ACCESS_KEY"]},
        {"ACS_CONNECTION_STRING": "endpoint=https://r.communication.azure.com/;accesskey=a2tra2s="},
    ],
)
def test_a_real_resource_is_named_in_either_way(tmp_path: Path, environ: dict[str, str]) -> None:
    settings = settings_of(tmp_path, environ)
    assert settings["TAPEDECK_EMBEDDED"] is False
    assert settings["ACS_ENDPOINT"] == "https://r.communication.azure.com"
    assert settings["ACS_ACCESS_KEY"] == "a2tra2s="
    assert settings["LOCAL_ACS_ENDPOINT"] == settings["LOCAL_ACS_MANAGEMENT_KEY"] == ""
    assert settings["ACS_RETENTION_SECONDS"] == 86400
    assert settings["TAPEDECK_PUBLIC_URL"] == ""


def test_everything_written_lies_under_the_data_folder(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "deck", {})
    folder = str(tmp_path / "deck")
    for name in ("SPOOL_DIR", "ARCHIVE_DIR", "STATIC_ROOT"):
        assert str(settings[name]).startswith(folder)
    assert str(settings["DATABASES"]["default"]["NAME"]) == f"{folder}/tapedeck.sqlite3"  # type: ignore[index]


def test_sqlite_writers_queue_for_the_lock(tmp_path: Path) -> None:
    options = settings_of(tmp_path, {})["DATABASES"]["default"]["OPTIONS"]  # type: ignore[index]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 20
    assert "journal_mode=WAL" in options["init_command"]


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"TAPEDECK_PUBLIC_URL": "https://tapedeck.example"})
    assert settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is True
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://tapedeck.example"]
    assert "tapedeck.example" in settings["ALLOWED_HOSTS"]  # type: ignore[operator]


def test_by_default_only_loopback_listens_and_answers(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {})
    assert settings["TAPEDECK_HOST"] == "127.0.0.1"
    assert settings["ALLOWED_HOSTS"] == ["127.0.0.1", "[::1]", "localhost"]


@pytest.mark.parametrize(
    ("listens_on", "reached_at", "known_as"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", "127.0.0.1"),
        ("0.0.0.0", "http://127.0.0.1:8000", "127.0.0.1"),  # noqa: S104  (bound by nobody)
        ("::1", "http://[::1]:8000", "[::1]"),
        ("fd00::7", "http://[fd00::7]:8000", "[fd00::7]"),
        ("192.168.1.5", "http://192.168.1.5:8000", "192.168.1.5"),
    ],
)
def test_the_embedded_service_is_told_an_address_that_is_listened_on_and_answered(
    tmp_path: Path, listens_on: str, reached_at: str, known_as: str
) -> None:
    settings = settings_of(tmp_path, {"TAPEDECK_HOST": listens_on})
    assert settings["TAPEDECK_PUBLIC_URL"] == reached_at
    assert known_as in settings["ALLOWED_HOSTS"]  # type: ignore[operator]


def test_the_content_security_policy_allows_nothing_inline(tmp_path: Path) -> None:
    policy = str(settings_of(tmp_path, {})["CONTENT_SECURITY_POLICY"])
    assert "'self'" in policy
    assert "unsafe" not in policy


def test_a_bad_value_ends_a_command_with_one_line(tmp_path: Path) -> None:
    done = manage(tmp_path, {"TAPEDECK_PORT": "http"}, "check")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "tapedeck: TAPEDECK_PORT is “http”, which is not allowed. Allowed: a port number, 1 to 65535. Default: 8000."
    )


def test_check_deploy_is_clean_for_a_real_resource_behind_tls(tmp_path: Path) -> None:
    done = manage(tmp_path, REAL, "check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")
