"""azure-eventgrid: publish, receive, acknowledge, release, reject, renew."""

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient
from azure.eventgrid.models import ReceiveDetails

from tests.embedded import LocalAcs, new_key


def one(consumer: EventGridConsumerClient) -> ReceiveDetails:
    (detail,) = consumer.receive(max_events=1, max_wait_time=10)
    return detail


@pytest.fixture
def published(publisher: EventGridPublisherClient, consumer: EventGridConsumerClient) -> CloudEvent:
    event = CloudEvent(source="/contract", type="contract.test", data={"number": 1})
    publisher.send(event)
    return event


def test_a_published_event_is_received_and_acknowledged(
    consumer: EventGridConsumerClient, published: CloudEvent
) -> None:
    detail = one(consumer)
    assert (detail.event.id, detail.event.data) == (published.id, {"number": 1})
    assert detail.broker_properties.delivery_count == 1
    result = consumer.acknowledge(lock_tokens=[detail.broker_properties.lock_token, "nonsense"])
    assert result.succeeded_lock_tokens == [detail.broker_properties.lock_token]
    assert [(failed.lock_token, failed.error.code) for failed in result.failed_lock_tokens] == [
        ("nonsense", "TokenLost")
    ]


def test_a_released_event_comes_again(consumer: EventGridConsumerClient, published: CloudEvent) -> None:
    token = one(consumer).broker_properties.lock_token
    assert consumer.release(lock_tokens=[token], release_delay=0).succeeded_lock_tokens == [token]
    again = one(consumer)
    assert again.broker_properties.delivery_count == 2
    consumer.acknowledge(lock_tokens=[again.broker_properties.lock_token])


def test_a_lock_is_renewed_and_the_event_rejected(consumer: EventGridConsumerClient, published: CloudEvent) -> None:
    token = one(consumer).broker_properties.lock_token
    assert consumer.renew_locks(lock_tokens=[token]).succeeded_lock_tokens == [token]
    assert consumer.reject(lock_tokens=[token]).succeeded_lock_tokens == [token]
    assert consumer.acknowledge(lock_tokens=[token]).succeeded_lock_tokens == []


def test_a_batch_is_published_in_order(publisher: EventGridPublisherClient, consumer: EventGridConsumerClient) -> None:
    events = [CloudEvent(source="/contract", type="contract.batch", data=number) for number in range(5)]
    publisher.send(events)
    details = consumer.receive(max_events=100, max_wait_time=10)
    assert [detail.event.id for detail in details] == [event.id for event in events]
    consumer.acknowledge(lock_tokens=[detail.broker_properties.lock_token for detail in details])


def test_calls_and_recordings_arrive_as_events_the_sdk_parses(acs: LocalAcs, consumer: EventGridConsumerClient) -> None:
    call = acs.call("Ana Silva")
    details = consumer.receive(max_events=100, max_wait_time=10)
    assert [detail.event.type for detail in details] == [
        "Microsoft.Communication.CallStarted",
        "Microsoft.Communication.CallParticipantAdded",
    ]
    assert all(detail.event.data["serverCallId"] == call["serverCallId"] for detail in details)
    acs.management("DELETE", f"/local/calls/{call['serverCallId']}")
    settle = [detail.broker_properties.lock_token for detail in details]
    settle.append(one(consumer).broker_properties.lock_token)
    assert len(consumer.acknowledge(lock_tokens=settle).succeeded_lock_tokens) == 3


def test_a_wrong_key_and_wrong_numbers_are_refused(acs: LocalAcs, consumer: EventGridConsumerClient) -> None:
    with (
        EventGridConsumerClient(
            acs.endpoint, AzureKeyCredential(new_key()), namespace_topic="acs", subscription="tapedeck"
        ) as stranger,
        pytest.raises(ClientAuthenticationError),
    ):
        stranger.receive()
    with pytest.raises(HttpResponseError):
        consumer.receive(max_events=1000)
