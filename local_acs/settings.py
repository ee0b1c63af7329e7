"""Settings of the embedded service, read once from named environment variables."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from local_acs.identifiers import is_base64
from local_acs.keys import stored_key

PauseTwice = Literal["400-8573", "409-8571", "202"]
EventProfile = Literal["current", "2021-04"]

Word = TypeVar("Word", bound=str)

PAUSE_TWICE: tuple[PauseTwice, ...] = ("400-8573", "409-8571", "202")
EVENT_PROFILES: tuple[EventProfile, ...] = ("current", "2021-04")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - refused unless the address for clients is given


class SettingError(Exception):
    """A setting that cannot be used; the message names it, its value and what is allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Durations are seconds, sizes are bytes, keys are base64 text."""

    host: str
    port: int
    endpoint: str
    data: Path
    access_key: str
    management_key: str
    event_grid_key: str
    retention_seconds: float
    live_calls: int
    media_dir: Path | None
    chunk_bytes: int
    chunk_seconds: float
    topic: str
    subscription: str
    lock_seconds: float
    max_deliveries: int
    event_ttl_seconds: float
    event_delay_seconds: float
    pause_twice: PauseTwice
    event_profile: EventProfile

    @property
    def recordings(self) -> Path:
        return self.data / "recordings"


class _Reader:
    """Reads one environment; every refusal says the name, the value and what is allowed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name, "").strip() or default

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        given = self.text(name, str(default))
        try:
            value = float(given)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise SettingError(f"{name}={given!r} is refused: it must be a number from {least:g} to {most:g}")
        return value

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        value = self.number(name, default, least=least, most=most)
        if value != int(value):
            raise SettingError(
                f"{name}={self.text(name, '')!r} is refused: it must be a whole number from {least} to {most}"
            )
        return int(value)

    def choice(self, name: str, allowed: tuple[Word, ...]) -> Word:
        given = self.text(name, allowed[0])
        for value in allowed:
            if value == given:
                return value
        raise SettingError(f"{name}={given!r} is refused: it must be one of {', '.join(allowed)}")

    def key(self, name: str, generated: Callable[[], str]) -> str:
        given = self.text(name, "")
        if not given:
            try:
                return generated()
            except OSError as error:
                raise SettingError(f"{name} is not set and cannot be generated and kept: {error}") from error
        if not is_base64(given):
            raise SettingError(f"{name} is refused: a key must be base64 text (its value is not shown)")
        return given

    def folder(self, name: str) -> Path | None:
        given = self.text(name, "")
        if not given:
            return None
        path = Path(given).expanduser().resolve()
        if not path.is_dir():
            raise SettingError(f"{name}={given!r} is refused: it must be an existing folder of media files")
        return path

    def word(self, name: str, default: str) -> str:
        given = self.text(name, default)
        if not all(c.isascii() and (c.isalnum() or c == "-") for c in given):
            raise SettingError(f"{name}={given!r} is refused: it may hold letters, digits and hyphens")
        return given

    def origin(self, name: str) -> str:
        given = self.text(name, "").rstrip("/")
        parts = urlsplit(given)
        if given and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query):
            raise SettingError(f"{name}={given!r} is refused: it must look like http://host:port, without a path")
        return given


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in `environment` (os.environ by default); raises SettingError naming the first bad one."""
    values = os.environ if environment is None else environment
    reader = _Reader(values)
    base = Path(reader.text("TAPEDECK_DATA", "./var")).expanduser()
    data = Path(reader.text("LOCAL_ACS_DATA", str(base / "local_acs"))).expanduser().resolve()

    def key(name: str, file_name: str) -> str:
        return reader.key(name, lambda: stored_key(data / "keys" / file_name))

    host, endpoint = reader.text("LOCAL_ACS_HOST", "127.0.0.1"), reader.origin("LOCAL_ACS_ENDPOINT")
    if host in EVERY_ADDRESS and not endpoint:
        raise SettingError(
            f"LOCAL_ACS_HOST={host!r} needs LOCAL_ACS_ENDPOINT, the address at which clients reach this service,"
            " such as http://acs.example:8801"
        )
    return Settings(
        host=host,
        port=reader.whole("LOCAL_ACS_PORT", 8801, least=0, most=65535),
        endpoint=endpoint,
        data=data,
        access_key=key("LOCAL_ACS_ACCESS_KEY", "access_key"),
        management_key=key("LOCAL_ACS_MANAGEMENT_KEY", "management_key"),
        event_grid_key=key("LOCAL_ACS_EVENT_GRID_KEY", "event_grid_key"),
        retention_seconds=reader.number("LOCAL_ACS_RETENTION_SECONDS", 86400, least=1, most=31_536_000),
        live_calls=reader.whole("LOCAL_ACS_LIVE_CALLS", 3, least=0, most=200),
        media_dir=reader.folder("LOCAL_ACS_MEDIA_DIR"),
        chunk_bytes=reader.whole("LOCAL_ACS_CHUNK_BYTES", 1_500_000_000, least=10_000, most=10**12),
        chunk_seconds=reader.number("LOCAL_ACS_CHUNK_SECONDS", 14_400, least=1, most=86_400),
        topic=reader.word("LOCAL_ACS_TOPIC", "acs"),
        subscription=reader.word("LOCAL_ACS_SUBSCRIPTION", "tapedeck"),
        lock_seconds=reader.number("LOCAL_ACS_LOCK_SECONDS", 60, least=0.1, most=300),
        max_deliveries=reader.whole("LOCAL_ACS_MAX_DELIVERIES", 10, least=1, most=1000),
        event_ttl_seconds=reader.number("LOCAL_ACS_EVENT_TTL_SECONDS", 86_400, least=1, most=604_800),
        event_delay_seconds=reader.number("LOCAL_ACS_EVENT_DELAY_SECONDS", 1, least=0, most=3600),
        pause_twice=reader.choice("LOCAL_ACS_PAUSE_TWICE", PAUSE_TWICE),
        event_profile=reader.choice("LOCAL_ACS_EVENT_PROFILE", EVENT_PROFILES),
    )
