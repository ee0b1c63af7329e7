"""The namespace topic: receive, acknowledge, release, reject, renew, expiry, order."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest

from tests.embedded import LocalAcs, eventually
from tests.local_acs.recorded import Queue, token

Start = Callable[..., LocalAcs]


@pytest.fixture
def queue(start_acs: Start) -> Queue:
    """A queue of the test's own whose locks last two seconds."""
    return Queue(start_acs(LOCAL_ACS_LOCK_SECONDS="2", LOCAL_ACS_MAX_DELIVERIES="3"))


def ids(items: list[dict[str, object]]) -> list[str]:
    return [item["event"]["id"] for item in items]


def counts(acs: LocalAcs) -> dict[str, int]:
    found: dict[str, int] = acs.state()["queue"]
    return found


def test_events_come_oldest_first_as_they_were_published(queue: Queue) -> None:
    queue.publish("a", "b", "c")
    items = queue.receive(most=2)
    assert ids(items) == ["a", "b"]
    assert items[0]["event"] == {
        "specversion": "1.0", "id": "a", "source": "/test", "type": "test", "data": {"id": "a"}
    }  # fmt: skip
    assert items[0]["brokerProperties"]["deliveryCount"] == 1
    assert ids(queue.receive()) == ["c"]


def test_an_acknowledged_event_never_comes_again_and_its_token_is_lost(queue: Queue) -> None:
    queue.publish("a")
    lock = token(queue.receive()[0])
    assert queue.settle("acknowledge", lock) == {"failedLockTokens": [], "succeededLockTokens": [lock]}
    (failed,) = queue.settle("acknowledge", lock)["failedLockTokens"]
    assert (failed["lockToken"], failed["error"]["code"]) == (lock, "TokenLost")


def test_an_event_whose_lock_ran_out_comes_again_with_a_higher_count(queue: Queue) -> None:
    queue.publish("a")
    first = token(queue.receive()[0])
    started = time.monotonic()
    (again,) = queue.receive()
    assert 1 < time.monotonic() - started < 8
    assert again["brokerProperties"]["deliveryCount"] == 2
    assert queue.settle("acknowledge", first)["succeededLockTokens"] == []


def test_a_renewed_lock_holds_longer(queue: Queue) -> None:
    queue.publish("a")
    lock = token(queue.receive()[0])
    for _ in range(3):
        time.sleep(1.1)
        assert queue.settle("renewLock", lock)["succeededLockTokens"] == [lock]
    assert queue.settle("acknowledge", lock)["succeededLockTokens"] == [lock]


def test_a_released_event_comes_again_at_once(queue: Queue) -> None:
    queue.publish("a")
    queue.settle("release", token(queue.receive()[0]))
    assert ids(queue.receive()) == ["a"]


def test_a_release_with_a_delay_waits(start_acs: Start) -> None:
    acs = start_acs()
    queue = Queue(acs)
    queue.publish("a")
    queue.settle("release", token(queue.receive()[0]), releaseDelayInSeconds=10)
    assert counts(acs)["delayed"] == 1


def test_a_rejected_event_never_comes_again(start_acs: Start) -> None:
    acs = start_acs()
    queue = Queue(acs)
    queue.publish("a")
    lock = token(queue.receive()[0])
    assert queue.settle("reject", lock)["succeededLockTokens"] == [lock]
    assert counts(acs)["rejected"] == 1


def test_an_event_delivered_too_often_is_given_up(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_MAX_DELIVERIES="2")
    queue = Queue(acs)
    queue.publish("a")
    for _ in range(2):
        queue.settle("release", token(queue.receive()[0]))
    queue.publish("b")
    assert ids(queue.receive()) == ["b"]
    assert counts(acs)["undeliverable"] == 1


def test_an_event_outlives_its_time_to_live_for_nobody(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_EVENT_TTL_SECONDS="3")
    queue = Queue(acs)
    queue.publish("a")
    time.sleep(3.1)
    queue.publish("b")
    assert ids(queue.receive()) == ["b"]
    assert counts(acs)["expired"] == 1


def test_a_waiting_receiver_is_answered_as_soon_as_something_arrives(queue: Queue) -> None:
    seen: list[float] = []

    def wait() -> None:
        assert ids(queue.receive(wait=60)) == ["late"]
        seen.append(time.monotonic())

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.5)
    published = time.monotonic()
    queue.publish("late")
    waiter.join(10)
    assert seen[0] - published < 3


def test_an_empty_wait_ends_with_an_empty_list(queue: Queue) -> None:
    started = time.monotonic()
    assert queue.receive(wait=10) == []
    assert 9 < time.monotonic() - started < 14


def test_a_receiver_that_hung_up_locks_nothing(start_acs: Start) -> None:
    queue = Queue(start_acs())
    for _ in range(3):
        with pytest.raises(httpx.ReadTimeout):
            queue.http.post("/topics/acs/eventsubscriptions/tapedeck:receive?maxWaitTime=60", timeout=0.3)
    queue.publish("a")
    (item,) = queue.receive()
    assert item["brokerProperties"]["deliveryCount"] == 1


def test_two_receivers_never_get_the_same_event(queue: Queue) -> None:
    queue.publish(*(f"e{number}" for number in range(60)))
    got: list[str] = []

    def take() -> None:
        for _ in range(6):
            items = queue.receive(most=5)
            got.extend(ids(items))
            queue.settle("acknowledge", *map(token, items))

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == sorted(f"e{number}" for number in range(60))


def test_events_and_locks_survive_a_power_cut(start_acs: Start) -> None:
    acs = start_acs(LOCAL_ACS_LOCK_SECONDS="60")
    queue = Queue(acs)
    queue.publish("locked", "waiting")
    lock = token(queue.receive(most=1)[0])
    acs.kill9()
    acs.start()
    assert ids(queue.receive()) == ["waiting"]
    assert queue.settle("acknowledge", lock)["succeededLockTokens"] == [lock]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/topics/acs/eventsubscriptions/tapedeck:receive?api-version=1&maxEvents=0", 400),
        ("/topics/acs/eventsubscriptions/tapedeck:receive?api-version=1&maxEvents=101", 400),
        ("/topics/acs/eventsubscriptions/tapedeck:receive?api-version=1&maxEvents=x", 400),
        ("/topics/acs/eventsubscriptions/tapedeck:receive?api-version=1&maxWaitTime=9", 400),
        ("/topics/acs/eventsubscriptions/tapedeck:receive?api-version=1&maxWaitTime=٢٠", 400),
        ("/topics/acs/eventsubscriptions/tapedeck:receive", 400),
        ("/topics/other/eventsubscriptions/tapedeck:receive?api-version=1", 404),
        ("/topics/acs/eventsubscriptions/other:acknowledge?api-version=1", 404),
        ("/topics/acs/eventsubscriptions/tapedeck:release?api-version=1&releaseDelayInSeconds=5", 400),
        ("/topics/acs/eventsubscriptions/tapedeck:acknowledge?api-version=1", 400),
        ("/topics/other:publish?api-version=1", 404),
        ("/topics/acs:publish?api-version=1", 400),
    ],
)
def test_wrong_requests_are_refused(acs: LocalAcs, path: str, status: int) -> None:
    answer = httpx.post(acs.endpoint + path, headers={"Authorization": f"SharedAccessKey {acs.event_grid_key}"})
    assert (answer.status_code, set(answer.json())) == (status, {"error"})


@pytest.mark.parametrize(
    "body", [b'{"lockTokens":[]}', b'{"lockTokens":[5]}', b'{"lockTokens":"x"}', b"[]", b"{", b'{"a":NaN}', b"[" * 5000]
)
def test_a_settlement_needs_a_list_of_tokens(acs: LocalAcs, body: bytes) -> None:
    answer = httpx.post(
        f"{acs.endpoint}/topics/acs/eventsubscriptions/tapedeck:acknowledge?api-version=1",
        headers={"Authorization": f"SharedAccessKey {acs.event_grid_key}"},
        content=body,
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("authorization", ["", "SharedAccessKey wrong", "Bearer x", "SharedAccessKey é"])
def test_a_wrong_event_grid_key_is_refused(acs: LocalAcs, authorization: str) -> None:
    answer = httpx.post(
        f"{acs.endpoint}/topics/acs/eventsubscriptions/tapedeck:receive?api-version=1",
        headers={"Authorization": authorization.encode()},
    )
    assert answer.status_code == 401


def test_what_happens_to_a_call_becomes_events(start_acs: Start) -> None:
    acs = start_acs()
    queue, call = Queue(acs), acs.call("Ana Silva")
    place = f"/local/calls/{call['serverCallId']}"
    person = acs.management("POST", f"{place}/participants", {"displayName": "Bo Chen"}).json()
    acs.management("DELETE", f"{place}/participants/{person['participantId']}")
    acs.management("DELETE", place)
    found: list[dict[str, object]] = []
    eventually(lambda: found.extend(item["event"] for item in queue.receive()) or len(found) >= 5, what="five events")
    assert [event["type"].rpartition(".")[2] for event in found] == [
        "CallStarted",
        "CallParticipantAdded",
        "CallParticipantAdded",
        "CallParticipantRemoved",
        "CallEnded",
    ]
    assert {event["data"]["serverCallId"] for event in found} == {call["serverCallId"]}
    assert found[2]["data"]["displayName"] == "Bo Chen"
    assert found[3]["data"]["user"]["communicationIdentifier"]["rawId"] == person["participantId"]
    assert found[4]["data"]["durationOfCall"] > 0
    assert all(event["specversion"] == "1.0" and event["time"].endswith("Z") for event in found)
