"""What the text of an environment variable may stand for. Each parser raises ValueError for what it does not allow."""

import base64
import binascii
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HIGHEST_PORT = 65535
SHORTEST_SECRET_KEY = 50

HOST_PATTERN = re.compile(r"^(\*\.|\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$|^\[?[0-9A-Fa-f:]+\]?$|^\*$")


def text(value: str) -> str:
    """Any text."""
    return value


def switch(value: str) -> bool:
    """`on` or `off`, and their usual spellings."""
    word = value.lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(value)


def whole_number(*, least: int, most: int) -> Callable[[str], int]:
    """A parser for a whole number from `least` to `most`."""

    def parse(value: str) -> int:
        number = int(value)
        if not least <= number <= most:
            raise ValueError(value)
        return number

    return parse


port = whole_number(least=1, most=HIGHEST_PORT)


def seconds(value: str) -> float:
    """A duration in seconds above zero, fractions allowed."""
    amount = float(value)
    if not 0 < amount < float("inf"):
        raise ValueError(value)
    return amount


def folder(value: str) -> Path:
    """An absolute path; a relative one counts from the working folder, `~` from the home folder."""
    return Path(value).expanduser().absolute()


def secret_key(value: str) -> str:
    """A key long enough to sign sessions with."""
    if len(value) < SHORTEST_SECRET_KEY:
        raise ValueError(value)
    return value


def base64_key(value: str) -> str:
    """An access key as Azure hands it out: base64."""
    try:
        if not base64.b64decode(value, validate=True):
            raise ValueError(value)
    except binascii.Error as error:
        raise ValueError(value) from error
    return value


def host(value: str) -> str:
    """One host name or address, without scheme or port."""
    if not HOST_PATTERN.match(value):
        raise ValueError(value)
    return value


def hosts(value: str) -> tuple[str, ...]:
    """Host names separated by commas; `*.example.org` or `.example.org` stands for all names below it."""
    return tuple(host(part.strip()) for part in value.split(",") if part.strip())


def base_url(value: str) -> str:
    """An http or https address of a whole host, without path, query or credentials. The trailing slash is dropped."""
    parts = urlsplit(value)
    well_formed = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"}
    if not well_formed or parts.query or parts.fragment or parts.username:
        raise ValueError(value)
    _ = parts.port  # raises ValueError when the port is not a number
    return value.rstrip("/")


def service_url(value: str) -> str:
    """As `base_url`, and https unless the host is this machine: keys must not travel in the clear."""
    url = base_url(value)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError(value)
    return url


def name(value: str) -> str:
    """A name of letters, digits, dots, dashes and underscores."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", value):
        raise ValueError(value)
    return value


def database_url(value: str) -> str:
    """The address of a SQLite or PostgreSQL database."""
    if urlsplit(value).scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ValueError(value)
    return value


def broker_url(value: str) -> str:
    """The address of a message broker that Tapedeck is tried with."""
    if urlsplit(value).scheme not in {"filesystem", "amqp", "amqps"}:
        raise ValueError(value)
    return value


def connection_string(value: str) -> tuple[str, str]:
    """Endpoint and access key of `endpoint=https://…;accesskey=…`, the form that the Azure portal shows."""
    pairs = dict(part.split("=", 1) for part in value.strip().strip(";").split(";"))
    fields = {key.strip().lower(): content.strip() for key, content in pairs.items()}
    if set(fields) != {"endpoint", "accesskey"}:
        raise ValueError(value)
    return service_url(fields["endpoint"]), base64_key(fields["accesskey"])
