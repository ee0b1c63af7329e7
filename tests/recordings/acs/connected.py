"""Connects the settings and a resource row to a server on this machine."""

import base64

from pytest_django.fixtures import Settings

from recordings.acs.client import Client
from recordings.models import Resource
from tests import rows

KEY = base64.b64encode(b"k" * 32).decode()


def connect(settings: Settings, endpoint: str, *, access_key: str = KEY) -> Resource:
    """The resource row of `endpoint`, with its key in the settings."""
    settings.ACS_ENDPOINT = endpoint
    settings.ACS_ACCESS_KEY = access_key
    settings.TAPEDECK_PUBLIC_URL = ""
    return rows.resource(endpoint=endpoint)


def client(settings: Settings, endpoint: str) -> Client:
    return Client(connect(settings, endpoint))
