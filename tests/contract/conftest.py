"""The official Python SDKs, unmodified, against the embedded service."""

from collections.abc import Callable, Iterator

import pytest
from azure.communication.callautomation import CallAutomationClient
from azure.core.credentials import AzureKeyCredential
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient

from tests.embedded import LocalAcs


@pytest.fixture(scope="module")
def acs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAcs]:
    with LocalAcs(tmp_path_factory.mktemp("contract") / "acs") as service:
        yield service


@pytest.fixture
def connect() -> Iterator[Callable[[str, str], CallAutomationClient]]:
    """Make clients from endpoint and key; they are closed when the test ends."""
    clients: list[CallAutomationClient] = []

    def make(endpoint: str, key: str) -> CallAutomationClient:
        clients.append(CallAutomationClient(endpoint, AzureKeyCredential(key)))
        return clients[-1]

    yield make
    for client in clients:
        client._client.close()


@pytest.fixture
def automation(acs: LocalAcs, connect: Callable[[str, str], CallAutomationClient]) -> CallAutomationClient:
    return connect(acs.endpoint, acs.access_key)


@pytest.fixture
def consumer(acs: LocalAcs) -> Iterator[EventGridConsumerClient]:
    key = AzureKeyCredential(acs.event_grid_key)
    with EventGridConsumerClient(acs.endpoint, key, namespace_topic="acs", subscription="tapedeck") as client:
        yield client


@pytest.fixture
def publisher(acs: LocalAcs) -> Iterator[EventGridPublisherClient]:
    key = AzureKeyCredential(acs.event_grid_key)
    with EventGridPublisherClient(acs.endpoint, key, namespace_topic="acs") as client:
        yield client
