"""What the settings name is current, and events are pulled from it."""

import httpx
import pytest

from recordings import sources
from recordings.acs import errors
from recordings.models import Condition, EventSource, Resource
from recordings.sources import event_grid
from recordings.sources.event_grid import EventGridSource
from tests.embedded import LocalAcs
from tests.misbehaving import Misbehaving, Reply, document

pytestmark = pytest.mark.django_db

KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@pytest.fixture
def named(settings):
    """Sets the endpoint of resource and source, and makes them current."""

    def name(endpoint: str, event_grid_endpoint: str | None = None) -> EventSource | None:
        settings.ACS_ENDPOINT, settings.ACS_ACCESS_KEY = endpoint, KEY
        settings.EVENT_GRID_ENDPOINT = endpoint if event_grid_endpoint is None else event_grid_endpoint
        settings.EVENT_GRID_TOPIC, settings.EVENT_GRID_SUBSCRIPTION, settings.EVENT_GRID_KEY = "acs", "tapedeck", KEY
        sources.ensure_current()
        return EventSource.objects.live().first()

    return name


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with LocalAcs(tmp_path_factory.mktemp("acs") / "data") as running:
        yield running


@pytest.fixture
def pulled_from(service, named, settings):
    source = named(service.endpoint)
    settings.EVENT_GRID_KEY = service.event_grid_key
    return EventGridSource(source)


def publish(service: LocalAcs, *ids: str) -> None:
    httpx.post(
        f"{service.endpoint}/topics/acs:publish?api-version=2024-06-01",
        json=[{"specversion": "1.0", "id": each, "source": "/s", "type": "Test", "data": each} for each in ids],
        headers={
            "Authorization": f"SharedAccessKey {service.event_grid_key}",
            "Content-Type": "application/cloudevents-batch+json; charset=utf-8",
        },
        trust_env=False,
    ).raise_for_status()


def test_the_settings_name_resource_and_source(named, settings):
    settings.ACS_RETENTION_SECONDS = 172_800
    source = named("https://contoso.communication.azure.com", "https://ns.westeurope-1.eventgrid.azure.net")
    resource = Resource.objects.current()
    assert (resource.key, resource.retention_seconds) == ("contoso-communication-azure-com", 172_800)
    assert (source.resource, source.kind) == (resource, "event_grid")
    assert source.address == ("https://ns.westeurope-1.eventgrid.azure.net/topics/acs/eventsubscriptions/tapedeck")


def test_running_it_again_changes_nothing(named, django_assert_max_num_queries):
    named("https://contoso.communication.azure.com")
    with django_assert_max_num_queries(2):
        sources.ensure_current()
    assert (Resource.objects.count(), EventSource.objects.count()) == (1, 1)


def test_a_changed_endpoint_is_a_new_resource_and_the_old_one_is_retired(named):
    old = named("https://one.communication.azure.com")
    new = named("https://two.communication.azure.com")
    old.refresh_from_db()
    assert old.retired_at is not None
    assert old.resource.has_credentials is False
    assert new.resource.key == "two-communication-azure-com"
    assert Resource.objects.current() == new.resource


def test_an_endpoint_that_comes_back_is_the_same_resource_again(named):
    first = named("https://one.communication.azure.com")
    named("https://two.communication.azure.com")
    again = named("https://one.communication.azure.com")
    assert (again.pk, again.retired_at) == (first.pk, None)
    assert Resource.objects.filter(retired_at=None).count() == 1


def test_without_an_event_grid_endpoint_nothing_is_pulled(named):
    named("https://one.communication.azure.com")
    assert named("https://one.communication.azure.com", "") is None
    assert event_grid.address() == ""


def test_a_changed_retention_is_taken_over(named, settings):
    named("https://one.communication.azure.com")
    settings.ACS_RETENTION_SECONDS = 60
    assert sources.ensure_current().retention_seconds == 60


def test_two_endpoints_never_share_a_folder(named):
    named("https://acs.test:80")
    named("http://acs.test:80")
    named("https://acs-test:80")
    assert sorted(Resource.objects.values_list("key", flat=True)) == ["acs-test-80", "acs-test-80-2", "acs-test-80-3"]


def test_events_are_pulled_and_acknowledged(service, pulled_from):
    publish(service, "one", "two")
    pulled = pulled_from.pull()
    assert sorted(str(each.event["id"]) for each in pulled) == ["one", "two"]
    assert [each.delivery_count for each in pulled] == [1, 1]
    assert pulled_from.acknowledge([each.lock_token for each in pulled]) == []
    assert pulled_from.acknowledge([pulled[0].lock_token]) == [pulled[0].lock_token]
    source = EventSource.objects.get()
    assert source.last_pull_at is not None


def test_a_released_event_comes_again(service, pulled_from):
    publish(service, "again")
    [first] = pulled_from.pull()
    assert pulled_from.release([first.lock_token]) == []
    [second] = pulled_from.pull()
    assert (second.event, second.delivery_count) == (first.event, 2)
    pulled_from.acknowledge([second.lock_token])


def test_no_tokens_need_no_request(named):
    source = EventGridSource(named("http://127.0.0.1:9"))
    assert source.acknowledge([]) == source.release([""]) == []


def test_a_refused_key_is_told_until_it_is_right(service, pulled_from, settings):
    settings.EVENT_GRID_KEY = KEY
    with pytest.raises(errors.CredentialsRefused):
        pulled_from.pull()
    condition = Condition.objects.open().get()
    assert condition.kind == Condition.Kind.SOURCE_FAILING
    assert EventSource.objects.get().last_error == condition.detail
    settings.EVENT_GRID_KEY = service.event_grid_key
    publish(service, "one")
    pulled_from.acknowledge([each.lock_token for each in pulled_from.pull()])
    assert not Condition.objects.open().exists()
    assert EventSource.objects.get().last_error == ""


def test_a_source_that_is_not_there_is_told(named):
    source = EventGridSource(named("http://127.0.0.1:9"))
    with pytest.raises(errors.Unreachable):
        source.pull()
    assert Condition.objects.open().get().kind == Condition.Kind.SOURCE_FAILING


def test_a_source_that_the_settings_no_longer_name_is_not_asked(named):
    old = named("http://127.0.0.1:9")
    named("http://127.0.0.1:10")
    with pytest.raises(errors.CredentialsRefused, match="no longer hold the key"):
        EventGridSource(old).pull()


@pytest.mark.parametrize(
    "body",
    [{}, {"value": None}, {"value": "x"}, {"value": []}],
)
def test_an_answer_without_events_brings_none(named, body):
    with Misbehaving(document(body)) as server:
        assert EventGridSource(named(server.endpoint)).pull() == []


def test_an_entry_of_another_shape_is_handed_on_all_the_same(named):
    with Misbehaving(document({"value": [7, {"event": "x", "brokerProperties": {"deliveryCount": "many"}}]})) as server:
        pulled = EventGridSource(named(server.endpoint)).pull()
    assert [(each.lock_token, each.delivery_count, each.event) for each in pulled] == [("", 1, None), ("", 1, "x")]


def test_an_answer_that_cannot_be_read_is_asked_for_one_by_one(named):
    one = document({"value": [{"event": {"id": "1"}, "brokerProperties": {"lockToken": "t"}}]})
    with Misbehaving(Reply(body=b"<html>"), one) as server:
        assert len(EventGridSource(named(server.endpoint)).pull()) == 1
        assert [("maxEvents=1&" in seen.path, seen.method) for seen in server.seen] == [(False, "POST"), (True, "POST")]


def test_an_answer_that_stays_unreadable_is_told(named):
    with Misbehaving(Reply(body=b"[" * 100_000)) as server, pytest.raises(errors.BadAnswer):
        EventGridSource(named(server.endpoint)).pull()
