"""What can be wrong with the settings of an installation. An id keeps its meaning for ever and is never used again."""

import difflib
import os
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution

from dashboard import variables
from dashboard.parsers import LOOPBACK

PREFIXES = ("TAPEDECK_", "ACS_", "EVENT_GRID_")
PRIVATE = frozenset({"TAPEDECK_SUPERVISED", "TAPEDECK_HEARTBEAT"})
"""Set by the supervisor for its own children."""


@register(Tags.security)
def check_service(app_configs: Sequence[AppConfig] | None, **_options: object) -> list[CheckMessage]:
    """A real ACS resource needs its key and a source of notifications."""
    del app_configs
    return [] if settings.TAPEDECK_EMBEDDED else [*_resource_problems(), *_source_problems()]


def _resource_problems() -> Iterator[CheckMessage]:
    if variables.ACS_CONNECTION_STRING.is_set() and (
        variables.ACS_ENDPOINT.is_set() or variables.ACS_ACCESS_KEY.is_set()
    ):
        yield Error(
            "ACS_CONNECTION_STRING is set together with ACS_ENDPOINT or ACS_ACCESS_KEY.",
            hint="Set either the connection string, or endpoint and key.",
            id="tapedeck.E001",
        )
    if not settings.ACS_ACCESS_KEY:
        yield Error(
            "ACS_ENDPOINT is set and ACS_ACCESS_KEY is not.",
            hint="Copy the key from the Azure portal: Communication Services resource, Settings, Keys.",
            id="tapedeck.E002",
        )
    if settings.TAPEDECK_CRASH_AT:
        yield Error(
            "TAPEDECK_CRASH_AT is set together with a real ACS resource.",
            hint="Crash points are for tests on the embedded service; unset it.",
            id="tapedeck.E003",
        )
    ignored = [each.name for each in variables.VARIABLES if each.name.startswith("LOCAL_ACS_") and each.is_set()]
    if ignored:
        yield Caution(
            f"{', '.join(ignored)} has no effect with a real ACS resource.",
            hint="The embedded service starts only when ACS_ENDPOINT and ACS_CONNECTION_STRING are unset.",
            id="tapedeck.W001",
        )


def _source_problems() -> Iterator[CheckMessage]:
    parts = (
        variables.EVENT_GRID_ENDPOINT,
        variables.EVENT_GRID_TOPIC,
        variables.EVENT_GRID_SUBSCRIPTION,
        variables.EVENT_GRID_KEY,
    )
    missing = [each.name for each in parts if not each.is_set()]
    if 0 < len(missing) < len(parts):
        yield Error(
            f"Notifications cannot be pulled: {', '.join(missing)} is not set.",
            hint="A pull needs the namespace endpoint, topic, subscription and key.",
            id="tapedeck.E004",
        )
    elif missing:
        yield Caution(
            "No Event Grid namespace is set, so no notification is pulled.",
            hint="Set EVENT_GRID_ENDPOINT, _TOPIC, _SUBSCRIPTION and _KEY, or send events to the webhook address.",
            id="tapedeck.W002",
        )
    if not settings.TAPEDECK_PUBLIC_URL:
        yield Caution(
            "TAPEDECK_PUBLIC_URL is not set, so the service cannot report the state of recordings.",
            hint="States are confirmed by asking, which is slower. Set the address that Azure can reach.",
            id="tapedeck.W003",
        )


@register(Tags.security)
def check_embedded(app_configs: Sequence[AppConfig] | None, **_options: object) -> list[CheckMessage]:
    """Half a configuration of a real resource must not silently start the embedded service."""
    del app_configs
    if not settings.TAPEDECK_EMBEDDED:
        return []
    stray = [
        each.name
        for each in variables.VARIABLES
        if each.name.startswith(("ACS_ACCESS", "EVENT_GRID_")) and each.is_set()
    ]
    found: list[CheckMessage] = []
    if stray:
        found.append(
            Error(
                f"{', '.join(stray)} is set, but neither ACS_ENDPOINT nor ACS_CONNECTION_STRING.",
                hint="Set the endpoint for a real ACS resource, or unset these for the embedded service.",
                id="tapedeck.E005",
            )
        )
    if settings.ACS_RETENTION_SECONDS != settings.LOCAL_ACS_RETENTION_SECONDS:
        found.append(
            Caution(
                f"The embedded service keeps files for {settings.LOCAL_ACS_RETENTION_SECONDS} s,"
                f" and ACS_RETENTION_SECONDS says {settings.ACS_RETENTION_SECONDS}.",
                hint="Countdowns will be wrong; set LOCAL_ACS_RETENTION_SECONDS only.",
                id="tapedeck.W004",
            )
        )
    if settings.LOCAL_ACS_PORT == settings.TAPEDECK_PORT:
        found.append(
            Error(
                f"TAPEDECK_PORT and LOCAL_ACS_PORT are both {settings.TAPEDECK_PORT}.",
                hint="Give the dashboard and the embedded service a port each.",
                id="tapedeck.E006",
            )
        )
    return found


@register(Tags.security)
def check_exposure(app_configs: Sequence[AppConfig] | None, **_options: object) -> list[CheckMessage]:
    """What is open to the network should be so on purpose, and encrypted."""
    del app_configs
    found: list[CheckMessage] = []
    if settings.TAPEDECK_HOST not in LOOPBACK:
        found.append(
            Caution(
                f"The dashboard listens on {settings.TAPEDECK_HOST}, without encryption of its own.",
                hint="Keep TAPEDECK_HOST on 127.0.0.1 and put a proxy with TLS before it.",
                id="tapedeck.W005",
            )
        )
    public = urlsplit(settings.TAPEDECK_PUBLIC_URL)
    if public.scheme == "http" and public.hostname not in LOOPBACK:
        found.append(
            Caution(
                f"TAPEDECK_PUBLIC_URL is {settings.TAPEDECK_PUBLIC_URL}: passwords and callbacks travel in the clear.",
                hint="Use an https address; cookies then become secure too.",
                id="tapedeck.W006",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Caution(
                "TAPEDECK_ALLOWED_HOSTS allows every host name.",
                hint="Name the hosts, so that a forged Host header is refused.",
                id="tapedeck.W007",
            )
        )
    return found


@register(Tags.compatibility)
def check_spelling(app_configs: Sequence[AppConfig] | None, **_options: object) -> list[CheckMessage]:
    """A variable that nobody reads is most likely misspelt."""
    del app_configs
    known = {each.name for each in variables.VARIABLES}
    unread = sorted(
        name for name in os.environ if name.startswith(PREFIXES) and name not in known | variables.FOR_TESTS | PRIVATE
    )
    return [
        Caution(f"{name} is set, and nothing reads it.{_suggestion(name, known)}", id="tapedeck.W008")
        for name in unread
    ]


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Is {close[0]} meant?" if close else ""
