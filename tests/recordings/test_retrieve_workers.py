"""Workers that race, stall, die and run out of room; and which file comes first."""

import os
import subprocess
import threading
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.db import connection
from django.db.models.functions import Now

from recordings import clock, storage
from recordings.models import Attempt, Condition, MediaFile
from recordings.pipeline import claims, retrieve, spool, transfer
from recordings.pipeline.leases import Lease, Superseded
from recordings.pipeline.spool import Part
from recordings.states import AttemptOutcome, MediaState, RecordingState
from tests import rows
from tests.embedded import eventually
from tests.recordings.content_server import Behaviour

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = 1024 * 1024


def lapse(file: MediaFile) -> None:
    """Lets the claim's time pass."""
    MediaFile.objects.filter(pk=file.pk).update(lease_until=Now() - clock.seconds(1))


def in_thread(work) -> threading.Thread:
    """Runs `work` on a connection of its own."""

    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_of_many_workers_one_gets_the_file(scene):
    taken: list[Attempt | None] = []
    ready = threading.Barrier(6)

    def work():
        file = MediaFile.objects.get(pk=scene.media.pk)
        ready.wait(10)
        taken.append(claims.claim(file))

    for thread in [in_thread(work) for _ in range(6)]:
        thread.join()
    assert len([claim for claim in taken if claim]) == 1
    assert scene.media.attempts.count() == 1


def test_a_stalled_worker_that_wakes_does_not_harm_its_successor(scene, spool_folder):
    asleep = threading.Event()
    scene.serve(Behaviour(hold=asleep, hold_after=16_384))
    states: list[MediaState] = []
    first = claims.claim(scene.media)
    sleeper = in_thread(lambda: states.append(retrieve.retrieve(first)))
    part = spool_folder / storage.part_name(scene.media.pk, 1)
    eventually(lambda: part.exists() and part.stat().st_size >= 16_384, what="the first bytes")
    lapse(scene.media)
    second = claims.claim(scene.media)
    assert retrieve.retrieve(second) == MediaState.RETRIEVED
    asleep.set()
    sleeper.join()
    scene.media.refresh_from_db()
    assert (scene.media.attempt, scene.media.state) == (2, MediaState.RETRIEVED)
    assert [path.name for path in spool_folder.iterdir()] == [storage.part_name(scene.media.pk, 2)]
    assert (spool_folder / scene.media.spool_name).read_bytes() == scene.body
    assert list(scene.media.attempts.order_by("number").values_list("outcome", flat=True)) == ["lapsed", "succeeded"]


def test_a_killed_workers_bytes_are_taken_over(scene, spool_folder):
    assert claims.claim(scene.media)
    storage.spool_path(storage.part_name(scene.media.pk, 1)).write_bytes(scene.body[:20_000])
    lapse(scene.media)
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.RETRIEVED
    scene.media.refresh_from_db()
    assert scene.media.attempts.get(number=2).resumed_from == 20_000
    assert scene.host.ranges(scene.media_path) == ["bytes=20000-"]
    assert (spool_folder / scene.media.spool_name).read_bytes() == scene.body


def test_after_a_power_cut_only_flushed_bytes_are_taken_over(scene, spool_folder):
    first = claims.claim(scene.media)
    part = storage.spool_path(storage.part_name(scene.media.pk, 1))
    part.write_bytes(scene.body[:20_000] + bytes(3_000))
    Attempt.objects.filter(pk=first.pk).update(
        bytes_received=20_000, validator='"v1"', total=len(scene.body), started_at=clock.now() - timedelta(days=999)
    )
    lapse(scene.media)
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.RETRIEVED
    scene.media.refresh_from_db()
    assert scene.media.attempts.get(number=2).resumed_from == 20_000
    assert (spool_folder / scene.media.spool_name).read_bytes() == scene.body


def test_a_file_that_was_whole_when_its_worker_died_is_not_asked_for_again(scene, spool_folder):
    first = claims.claim(scene.media)
    storage.spool_path(storage.part_name(scene.media.pk, 1)).write_bytes(scene.body)
    Attempt.objects.filter(pk=first.pk).update(bytes_received=len(scene.body), total=len(scene.body))
    lapse(scene.media)
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.RETRIEVED
    assert scene.host.requests == []


def test_a_position_at_the_very_end_means_that_everything_is_here(scene):
    first = claims.claim(scene.media)
    storage.spool_path(storage.part_name(scene.media.pk, 1)).write_bytes(scene.body)
    Attempt.objects.filter(pk=first.pk).update(bytes_received=len(scene.body))
    lapse(scene.media)
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.RETRIEVED
    assert scene.host.ranges(scene.media_path) == [f"bytes={len(scene.body)}-"]


def test_a_silent_server_does_not_cost_the_claim(scene):
    asleep = threading.Event()
    scene.serve(Behaviour(hold=asleep))
    attempt = claims.claim(scene.media)
    worker = in_thread(lambda: retrieve.retrieve(attempt))
    before = MediaFile.objects.get(pk=scene.media.pk).lease_until
    eventually(lambda: MediaFile.objects.get(pk=scene.media.pk).lease_until > before, what="a renewal")
    asleep.set()
    worker.join()
    assert MediaFile.objects.get(pk=scene.media.pk).state == MediaState.RETRIEVED


def test_a_file_that_kills_its_workers_has_to_wait(scene):
    for _ in range(claims.MOST_LAPSES):
        assert claims.claim(scene.media)
        lapse(scene.media)
    assert claims.claim(scene.media) is None
    scene.media.refresh_from_db()
    assert (scene.media.state, scene.media.error_kind) == (MediaState.FAILED, "lapsed")
    assert scene.media.next_attempt_at > clock.now()
    assert set(scene.media.attempts.values_list("outcome", flat=True)) == {AttemptOutcome.LAPSED}


def test_a_claim_is_not_to_be_had_before_its_time(scene):
    MediaFile.objects.filter(pk=scene.media.pk).update(next_attempt_at=clock.now() + timedelta(minutes=1))
    assert claims.claim(scene.media) is None


def test_the_soonest_to_expire_is_offered_first(resource):
    later, sooner = (
        rows.chunk(rows.recording(RecordingState.ENDED, resource=resource), expires_at=clock.now() + timedelta(hours=h))
        for h in (9, 1)
    )
    offered = MediaFile.objects.in_bulk(claims.offers(slots=4))
    assert [file.chunk_id for file in offered.values()].count(sooner.pk) == 2
    assert claims.offers(slots=4) == []
    MediaFile.objects.update(offered_at=None)
    assert {MediaFile.objects.get(pk=pk).chunk_id for pk in claims.offers(slots=2)} == {sooner.pk}
    assert later


def test_no_more_is_offered_than_there_are_free_slots(scene):
    assert claims.claim(scene.media)
    assert claims.offers(slots=1) == []
    assert claims.offers(slots=2) == [scene.metadata.pk]


def test_an_offer_that_nobody_took_is_made_again(scene):
    assert len(claims.offers()) == 2
    assert claims.offers() == []
    MediaFile.objects.update(offered_at=Now() - clock.seconds(claims.OFFER_SECONDS + 1))
    assert len(claims.offers()) == 2


def test_waits_grow_and_leave_several_tries_before_the_expiry():
    far, near = clock.now() + timedelta(days=1), clock.now() + timedelta(seconds=60)
    waits = [(claims.next_try(number, expires_at=far) - clock.now()).total_seconds() for number in (1, 4, 12)]
    assert waits[0] < 1.3
    assert 6 < waits[1] < 10
    assert 200 < waits[2] <= 360
    assert (claims.next_try(12, expires_at=near) - clock.now()).total_seconds() < 8
    assert (claims.next_try(1, expires_at=near, retry_after=3600) - clock.now()).total_seconds() < 31


def test_memory_does_not_grow_with_the_file(scene, tmp_path):
    size = 160 * MEGABYTE
    form = bytes.fromhex("10000000 0100 0100 803e0000 007d0000 0200 1000")  # PCM, mono, 16 kHz, 16 bits
    header = b"RIFF" + (size + 36).to_bytes(4, "little") + b"WAVEfmt " + form
    scene.serve(body=header + b"data" + size.to_bytes(4, "little") + bytes(size))
    process, peak, over = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def sample():
        while not over.wait(0.01):
            peak[0] = max(peak[0], process.memory_info().rss)

    sampler = in_thread(sample)
    state = retrieve.retrieve(claims.claim(scene.media))
    over.set()
    sampler.join()
    assert state == MediaState.RETRIEVED
    assert (peak[0] - before) / MEGABYTE < 48


@pytest.fixture
def spool_folder(settings) -> Path:
    return Path(settings.SPOOL_DIR)


@pytest.fixture
def small_disk(settings):
    """A spool on a disk of one megabyte, and a way to enlarge it."""
    folder = Path(settings.SPOOL_DIR)
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if os.geteuid() or mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=512m", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_up_holds_the_queue_and_work_goes_on_by_itself(scene, small_disk, tmp_path):
    body = scene.body * (3 * MEGABYTE // len(scene.body))
    scene.serve(Behaviour(sized=False), Behaviour(sized=False), body=body)
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.FAILED
    scene.media.refresh_from_db()
    assert scene.media.error_kind == "disk_full"
    assert Condition.objects.open().get().kind == Condition.Kind.DISK_FULL
    assert (claims.claim(scene.metadata), claims.offers()) == (None, [])
    Condition.objects.open().update(probe_at=clock.now() - timedelta(seconds=1))
    spool.probe_disk()
    assert Condition.objects.open().exists()
    small_disk()
    Condition.objects.open().update(probe_at=clock.now() - timedelta(seconds=1))
    spool.probe_disk()
    assert not Condition.objects.open().exists()
    assert retrieve.retrieve(claims.claim(scene.media)) != MediaState.FAILED
    assert scene.media.attempts.get(number=2).resumed_from > MEGABYTE // 2


def test_a_file_for_which_there_is_no_room_is_not_begun(scene, monkeypatch):
    monkeypatch.setattr(spool, "RESERVE_BYTES", 2**60)
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.FAILED
    assert Condition.objects.open().get().kind == Condition.Kind.DISK_FULL


def test_a_spool_that_cannot_be_written_is_told(scene, settings):
    Path(settings.SPOOL_DIR).mkdir(parents=True)
    storage.spool_path(storage.part_name(scene.media.pk, 1)).mkdir()
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.FAILED
    scene.media.refresh_from_db()
    assert scene.media.error_kind == "disk"


def test_a_success_ends_the_condition_of_a_full_disk(scene):
    past = clock.now() - timedelta(seconds=1)
    Condition.objects.report(Condition.Kind.DISK_FULL, resource=None, detail="full", probe_at=past)
    retrieve.retrieve(claims.claim(scene.media))
    assert not Condition.objects.open().exists()


def test_only_bare_names_are_spool_names():
    for name in ("", "a/b", "../x", "/etc/passwd"):
        with pytest.raises(ValueError, match="no name of a spooled file"):
            storage.spool_path(name)


def test_a_lease_that_cannot_be_renewed_ends_the_work():
    with Lease(lambda: False, every=0.01) as lease, pytest.raises(Superseded):
        lease.wait(10)


def test_work_without_progress_loses_its_lease(caplog):
    with Lease(lambda: True, every=0.01, stalled=0.05) as lease:
        time.sleep(0.2)
        with pytest.raises(Superseded):
            lease.tick()


def test_a_database_that_is_away_for_a_moment_does_not_end_the_work(caplog):
    from django.db import OperationalError

    answers = iter([OperationalError("away"), True, True, True])

    def renew():
        answer = next(answers, True)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with Lease(renew, every=0.01) as lease:
        lease.wait(0.1)


def test_a_part_forgets_what_a_failed_write_left(tmp_path):
    part = Part(tmp_path / "a.part")
    part.write(b"12345")
    part._file.write(b"half a block")
    part.close()
    part.close()
    part.flush()
    assert (tmp_path / "a.part").read_bytes() == b"12345"
    assert part.flushed == 5


def test_a_transfer_that_breaks_forever_gives_up(scene, monkeypatch):
    monkeypatch.setattr(transfer, "MOST_INTERRUPTIONS", 2)
    scene.serve(*[Behaviour(cut=5000) for _ in range(4)])
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.FAILED
    assert scene.media.attempts.get().interruptions == 2


def test_a_file_that_changes_all_the_time_fails(scene):
    scene.serve(Behaviour(cut=9000), *[Behaviour(honest_range=False) for _ in range(2)])
    document = scene.host.documents[scene.media_path]
    original = scene.host.answer

    def ever_new(request):
        document.validator = f'"{len(scene.host.requests)}"'
        original(request)

    scene.host.answer = ever_new
    document.script = [Behaviour(cut=9000, honest_range=False) for _ in range(8)]
    assert retrieve.retrieve(claims.claim(scene.media)) == MediaState.FAILED
    scene.media.refresh_from_db()
    assert "changed" in scene.media.error
