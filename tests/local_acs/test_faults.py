"""Faults that are switched on: they strike as often as asked, where asked, and can be taken back."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.embedded import LocalAcs
from tests.local_acs.recorded import Operator, Queue, Stored, client, stored_recording


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalAcs, Stored]]:
    with LocalAcs(tmp_path_factory.mktemp("faulty") / "acs") as acs:
        yield acs, stored_recording(acs)


@pytest.fixture
def faulty(recorded: tuple[LocalAcs, Stored]) -> tuple[LocalAcs, Stored]:
    """A service of this module's own with a stored recording and no fault armed."""
    acs, _ = recorded
    acs.management("DELETE", "/local/faults")
    return recorded


def _until_broken(acs: LocalAcs, path: str) -> Iterator[bytes]:
    try:
        with client(acs).stream("GET", path) as answer:
            yield from answer.iter_raw()
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return
    raise AssertionError("the connection was not reset")


def arm(acs: LocalAcs, fault: str, **limits: object) -> dict[str, object]:
    answer = acs.management("POST", "/local/faults", {"fault": fault, **limits})
    assert answer.status_code == 201, answer.text
    armed: dict[str, object] = answer.json()
    return armed


def test_a_slow_transfer_keeps_to_its_pace(faulty: tuple[LocalAcs, Stored]) -> None:
    acs, stored = faulty
    arm(acs, "slow-transfer", bytesPerSecond=10_000, count=1)
    started = time.monotonic()
    assert len(client(acs).get(stored.media, headers={"Range": "bytes=0-9999"}).content) == 10_000
    assert 0.8 < time.monotonic() - started < 5
    assert acs.management("GET", "/local/faults").json()[0]["remaining"] == 0


def test_a_connection_is_reset_in_the_middle_and_the_rest_comes_by_range(faulty: tuple[LocalAcs, Stored]) -> None:
    acs, stored = faulty
    whole = stored.media_file.read_bytes()
    arm(acs, "connection-reset", afterBytes=5000, count=1, match="/content/video")
    got = b"".join(_until_broken(acs, stored.media))
    assert got == whole[: len(got)]
    assert len(got) < len(whole)
    rest = client(acs).get(stored.media, headers={"Range": f"bytes={len(got)}-"})
    assert got + rest.content == whole


@pytest.mark.parametrize(
    "path", ["/v1/objects/x/content/video", "/calling/recordings/x", "/conversations/x", "/topics/x"]
)
def test_the_service_is_unavailable_in_the_shape_of_its_surface(faulty: tuple[LocalAcs, Stored], path: str) -> None:
    acs, _ = faulty
    arm(acs, "service-unavailable", count=1, retryAfter=7)
    answer = client(acs).get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert client(acs).get(path).status_code != 503


def test_unavailability_matches_paths_and_never_the_management_surface(faulty: tuple[LocalAcs, Stored]) -> None:
    acs, stored = faulty
    arm(acs, "service-unavailable", match="/v1/objects/")
    assert client(acs).get(stored.media).status_code == 503
    assert Operator(acs).state("x").status_code == 404
    assert acs.management("GET", "/local/faults").json()[0]["fired"] == 1


def test_a_fault_for_a_time_ends_by_itself(faulty: tuple[LocalAcs, Stored]) -> None:
    acs, stored = faulty
    arm(acs, "service-unavailable", **{"for": 1.5})
    assert client(acs).get(stored.media).status_code == 503
    time.sleep(1.6)
    assert client(acs).get(stored.media).status_code == 200


def test_a_duplicated_event_comes_twice_with_one_id(faulty: tuple[LocalAcs, Stored]) -> None:
    acs, _ = faulty
    arm(acs, "duplicate-event", count=1, match="RecordingFileStatusUpdated")
    queue = Queue(acs)
    while items := queue.receive(wait=10):
        queue.settle("acknowledge", *(item["brokerProperties"]["lockToken"] for item in items))
        if any(item["event"]["type"].endswith("FileStatusUpdated") for item in items):
            break
    stored_recording(acs, seconds=0.3)
    events: list[str] = []
    while len(events) < 2:
        events += [
            item["event"]["id"]
            for item in queue.receive()
            if item["event"]["type"].endswith("RecordingFileStatusUpdated")
        ]
    assert events[0] == events[1]


def test_faults_are_listed_counted_and_taken_back(faulty: tuple[LocalAcs, Stored]) -> None:
    acs, stored = faulty
    one = arm(acs, "service-unavailable", count=2)
    arm(acs, "slow-transfer", bytesPerSecond=1_000_000)
    client(acs).get(stored.media)
    listed = acs.management("GET", "/local/faults").json()
    assert [(item["fault"], item["remaining"], item["fired"]) for item in listed] == [
        ("service-unavailable", 1, 1),
        ("slow-transfer", None, 0),
    ]
    assert acs.management("DELETE", f"/local/faults/{one['id']}").status_code == 204
    assert acs.management("DELETE", f"/local/faults/{one['id']}").status_code == 404
    assert acs.management("DELETE", "/local/faults").status_code == 204
    assert acs.management("GET", "/local/faults").json() == []


def test_armed_faults_survive_a_power_cut(faulty: tuple[LocalAcs, Stored]) -> None:
    acs, stored = faulty
    arm(acs, "service-unavailable", count=1)
    acs.kill9()
    acs.start()
    assert client(acs).get(stored.media).status_code == 503


@pytest.mark.parametrize(
    "document",
    [
        {"fault": "earthquake"},
        {"fault": "slow-transfer", "afterBytes": 5},
        {"fault": "slow-transfer", "bytesPerSecond": "fast"},
        {"fault": "slow-transfer", "count": -1},
        {"fault": "slow-transfer", "count": True},
        {"fault": "slow-transfer", "for": 0},
        {"fault": "slow-transfer", "match": 5},
        {"fault": ["slow-transfer"]},
    ],
)
def test_a_fault_that_is_not_understood_is_refused(acs: LocalAcs, document: dict[str, object]) -> None:
    answer = acs.management("POST", "/local/faults", document)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "8523")
