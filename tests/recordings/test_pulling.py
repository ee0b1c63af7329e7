"""The pull loop against the embedded service's real queue."""

import threading
import time
from datetime import timedelta

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now

from recordings import clock, pulling, sources, tasks
from recordings.models import Condition, EventSource, Notification
from recordings.pipeline import leases
from tests.embedded import LocalAcs, eventually
from tests.recordings.test_tasks import hints  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def acs(tmp_path_factory):
    with LocalAcs(tmp_path_factory.mktemp("acs") / "data") as running:
        yield running


@pytest.fixture
def source(acs, settings) -> EventSource:
    settings.ACS_ENDPOINT = settings.EVENT_GRID_ENDPOINT = acs.endpoint
    settings.ACS_ACCESS_KEY, settings.EVENT_GRID_KEY = acs.access_key, acs.event_grid_key
    settings.EVENT_GRID_TOPIC, settings.EVENT_GRID_SUBSCRIPTION = "acs", "tapedeck"
    sources.ensure_current()
    return EventSource.objects.select_related("resource").get()


def waiting(acs: LocalAcs) -> int:
    """Events that nobody acknowledged yet."""
    queue = acs.state()["queue"]
    return sum(queue[name] for name in ("available", "delayed", "locked"))


def publish(acs: LocalAcs, *ids: str) -> None:
    events = [{"specversion": "1.0", "id": each, "source": "/s", "type": "Test.Event", "data": {}} for each in ids]
    httpx.post(
        f"{acs.endpoint}/topics/acs:publish?api-version=2024-06-01",
        json=events,
        headers={
            "Authorization": f"SharedAccessKey {acs.event_grid_key}",
            "Content-Type": "application/cloudevents-batch+json; charset=utf-8",
        },
        trust_env=False,
    ).raise_for_status()


class Loop:
    """A turn of the loop in a thread of its own."""

    def __init__(self, source: EventSource) -> None:
        self.accepted: list[Notification] = []
        self.stopping = threading.Event()
        self.result: bool | None = None
        self.thread = threading.Thread(target=self.run, args=[source])
        self.thread.start()

    def run(self, source: EventSource) -> None:
        try:
            self.result = pulling.turn(source, stopping=self.stopping, accepted=self.accepted.extend)
        finally:
            connection.close()

    def end(self) -> float:
        """Stops it; returns the seconds that took."""
        began = time.monotonic()
        self.stopping.set()
        self.thread.join(20)
        return time.monotonic() - began


def test_events_are_stored_then_acknowledged(acs, source):
    publish(acs, "one", "two")
    loop = Loop(source)
    eventually(lambda: len(loop.accepted) == 2, what="two events")
    eventually(lambda: waiting(acs) == 0, what="the acknowledgement")
    loop.end()
    assert set(Notification.objects.values_list("event_id", flat=True)) == {"one", "two"}
    source.refresh_from_db()
    assert source.last_pull_at
    assert source.last_notification_at


def test_the_loop_ends_promptly_and_frees_the_source(source):
    loop = Loop(source)
    eventually(lambda: EventSource.objects.get().lease_owner, what="the lease")
    assert loop.end() < 2
    source.refresh_from_db()
    assert (source.lease_owner, source.lease_until, loop.result) == ("", None, True)


def test_events_that_arrive_at_a_loop_that_has_ended_are_given_back(acs, source):
    loop = Loop(source)
    eventually(lambda: EventSource.objects.get().lease_owner, what="the lease")
    time.sleep(0.3)
    loop.end()
    publish(acs, "late")
    follower = Loop(source)
    eventually(lambda: [row.event_id for row in follower.accepted] == ["late"], what="the event")
    follower.end()


def test_a_source_has_one_loop_at_a_time(source):
    loop = Loop(source)
    eventually(lambda: EventSource.objects.get().lease_owner, what="the lease")
    assert pulling.turn(source, stopping=threading.Event(), accepted=list) is False
    assert not EventSource.objects.unpulled().exists()
    loop.end()
    assert EventSource.objects.unpulled().exists()


def test_a_loop_whose_lease_is_gone_ends(acs, source):
    loop = Loop(source)
    eventually(lambda: EventSource.objects.get().lease_owner, what="the lease")
    EventSource.objects.update(lease_owner="another", lease_until=Now() + timedelta(minutes=1))
    time.sleep(leases.RENEW_SECONDS + 0.5)  # until it notices
    publish(acs, "the poll that is under way ends with it")
    eventually(lambda: not loop.thread.is_alive(), what="the end of the loop")
    source.refresh_from_db()
    assert (loop.result, source.lease_owner) == (True, "another")


def test_a_turn_of_the_loop_is_followed_by_the_next(acs, source, hints):  # noqa: F811
    publish(acs, "one")
    tasks.pull(str(source.pk), seconds=0.02)
    assert [name for name, _ in hints] == ["ingest", "pull"]


def test_a_turn_ends_by_itself(source):
    assert pulling.turn(source, stopping=threading.Event(), accepted=list, seconds=0.0) is True


def test_a_source_that_fails_is_tried_again_and_told(source, settings):
    settings.EVENT_GRID_KEY = "d3Jvbmc="
    loop = Loop(source)
    condition = eventually(lambda: Condition.objects.open().first(), what="the condition")
    loop.end()
    assert condition.kind == Condition.Kind.SOURCE_FAILING
    source.refresh_from_db()
    assert source.last_error


def test_a_fault_of_the_code_in_a_poll_reaches_the_loop(source, settings):
    settings.EVENT_GRID_TOPIC = None
    with pytest.raises(TypeError):
        pulling.turn(source, stopping=threading.Event(), accepted=list)


def test_silence_becomes_a_condition_and_ends_with_the_next_pull(source):
    EventSource.objects.update(last_pull_at=clock.now() - timedelta(minutes=5))
    pulling.watch()
    assert Condition.objects.open().get().kind == Condition.Kind.SOURCE_SILENT
    EventSource.objects.update(last_pull_at=Now())
    pulling.watch()
    assert not Condition.objects.open().exists()


def test_a_new_source_is_given_time_to_begin(source):
    pulling.watch()
    assert not Condition.objects.open().exists()
