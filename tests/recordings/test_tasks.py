"""What follows what: each task leads to the next, and each sweep finds what was forgotten."""

import threading
import time
from datetime import timedelta

import pytest
from celery import current_app
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from recordings import clock, handover, losses, tasks
from recordings.models import Chunk, Condition, EventSource, Loss, MediaFile, Notification, Recording
from recordings.pipeline import archive, claims, leases, retrieve
from recordings.states import Bucket, LossCause, MediaState, NotificationState, RecordingState
from tests import rows
from tests.recordings.content_server import Behaviour

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hints(monkeypatch) -> list[tuple[str, str]]:
    """The messages that would go to the broker, as task and row."""
    sent: list[tuple[str, str]] = []

    def note(self, args=(), **options):
        sent.append((self.name.rpartition(".")[2], args[0]))

    monkeypatch.setattr("celery.app.task.Task.apply_async", note)
    return sent


def drain(hints: list[tuple[str, str]]) -> None:
    """Carries out every message until none is left."""
    while hints:
        name, key = hints.pop(0)
        getattr(tasks, name)(key)


def test_from_the_offer_to_the_decode_each_task_leads_to_the_next(scene, hints):
    tasks.sweep_retrieval()
    assert {name for name, _ in hints} == {"retrieve"}
    drain(hints)
    scene.recording.refresh_from_db()
    scene.media.refresh_from_db()
    assert scene.recording.bucket == Bucket.SECURED
    assert scene.media.decoded_at


def test_sweeps_alone_finish_everything(scene, hints):
    tasks.sweep_retrieval()
    for name, key in list(hints):
        if name == "retrieve":
            tasks.retrieve(key)
    hints.clear()
    tasks.sweep_archive()
    scene.recording.refresh_from_db()
    assert scene.recording.bucket == Bucket.SECURED
    assert scene.recording.manifest_version == scene.recording.version
    assert hints == [("decode", str(scene.media.pk))]


def test_a_free_slot_is_filled_at_once(scene, hints):
    tasks.retrieve(str(scene.metadata.pk))
    assert ("retrieve", str(scene.media.pk)) in hints


def test_a_file_that_is_not_due_is_left_alone(scene, hints):
    MediaFile.objects.update(next_attempt_at=clock.now() + timedelta(minutes=5))
    tasks.retrieve(str(scene.media.pk))
    assert not scene.media.attempts.exists()


def test_a_row_that_is_gone_is_no_fault(hints, db):
    for task in (tasks.retrieve, tasks.archive, tasks.decode, tasks.ask, tasks.pull):
        task("01a203f7-8699-7e14-8c28-f01414bc8748")
    assert hints == []


def test_an_event_is_processed_and_its_files_offered(scene, hints):
    entry = rows.notification(scene.recording, state=NotificationState.PENDING, body="nonsense")
    tasks.ingest(str(entry.pk))
    entry.refresh_from_db()
    assert entry.state == NotificationState.FAILED
    assert {name for name, _ in hints} == {"retrieve"}


def test_the_sweep_processes_forgotten_events(scene, hints):
    rows.notification(scene.recording, state=NotificationState.PENDING, body="nonsense")
    tasks.sweep_notifications()
    assert not Notification.objects.filter(state=NotificationState.PENDING).exists()


def test_sources_are_tended_and_pulled(settings, hints, resource):
    settings.EVENT_GRID_ENDPOINT, settings.EVENT_GRID_TOPIC = "http://127.0.0.1:9", "acs"
    settings.EVENT_GRID_SUBSCRIPTION = "tapedeck"
    tasks.tend_sources()
    assert hints == [("pull", str(EventSource.objects.get().pk))]
    EventSource.objects.update(lease_owner="somebody", lease_until=Now() + timedelta(seconds=20))
    hints.clear()
    tasks.tend_sources()
    assert hints == []


def test_losses_and_silent_sources_are_swept(resource):
    rows.recording(RecordingState.ENDED, resource=resource, ended_at=clock.now() - timedelta(days=3))
    tasks.sweep_losses()
    assert Loss.objects.get().cause == LossCause.NO_FILE_EVENT
    EventSource.objects.create(
        resource=resource, kind="event_grid", address="a", last_pull_at=clock.now() - timedelta(hours=1)
    )
    tasks.watch_sources()
    assert Condition.objects.open().get().kind == Condition.Kind.SOURCE_SILENT


def test_recordings_whose_last_word_is_old_are_asked_about(scene):
    live = rows.recording(RecordingState.ACTIVE, resource=scene.resource)
    tasks.sweep_recordings()
    live.refresh_from_db()
    assert live.asked_at
    tasks.ask(str(live.pk))


def test_a_sweep_that_is_still_under_way_is_not_begun_again():
    begun, go_on = [], threading.Event()

    @tasks._alone
    def sweep() -> None:
        begun.append(1)
        go_on.wait(5)

    thread = threading.Thread(target=sweep)
    thread.start()
    while not begun:
        time.sleep(0.01)
    sweep()
    go_on.set()
    thread.join()
    assert begun == [1]


def test_one_bad_row_keeps_nobody_else_waiting(caplog):
    done = []

    def act(item: int) -> None:
        if item == 1:
            raise ValueError(item)
        done.append(item)

    tasks._each([1, 2, 3], act)
    assert done == [2, 3]
    assert "A sweep failed at 1" in caplog.text


@pytest.fixture
def told_to_end():
    tasks._stop()
    yield
    leases.stopping.clear()


def test_a_sweep_stops_when_its_worker_is_told_to_end(told_to_end):
    done = []
    tasks._each([1], done.append)
    assert done == []


def test_a_download_stops_when_its_worker_is_told_to_end_and_goes_on_elsewhere(scene, hints):
    tasks._stop()
    tasks.retrieve(str(scene.media.pk))
    leases.stopping.clear()
    scene.media.refresh_from_db()
    assert (scene.media.state, scene.media.error_kind) == (MediaState.FAILED, "stopped")
    assert (scene.media.next_attempt_at, scene.media.lease_until) == (None, None)
    tasks.retrieve(str(scene.media.pk))
    scene.media.refresh_from_db()
    assert scene.media.state == MediaState.RETRIEVED
    assert scene.media.attempts.get(number=2).resumed_from > 0


def test_archiving_and_decoding_stop_too_and_free_their_claims(scene, hints):
    tasks.retrieve(str(scene.media.pk))
    tasks._stop()
    tasks.archive(str(scene.media.pk))
    leases.stopping.clear()
    scene.media.refresh_from_db()
    assert (scene.media.state, scene.media.lease_until) == (MediaState.RETRIEVED, None)
    tasks.archive(str(scene.media.pk))
    tasks._stop()
    tasks.decode(str(scene.media.pk))
    leases.stopping.clear()
    scene.media.refresh_from_db()
    assert (scene.media.decoded_at, scene.media.lease_until) == (None, None)


def test_a_broker_that_is_away_costs_one_try_and_no_work(scene, monkeypatch, caplog):
    tries = []

    def refuse(self, **options):
        tries.append(1)
        raise OperationalError("no broker")

    monkeypatch.setattr("celery.app.task.Task.apply_async", refuse)
    tasks.sweep_retrieval()
    assert len(tries) == 1
    assert MediaFile.objects.filter(state=MediaState.ANNOUNCED).count() == 2


@pytest.mark.parametrize(("artefact", "left"), [("media", MediaState.LOST), ("metadata", MediaState.ABSENT)])
def test_a_refusal_after_the_expiry_is_settled_at_once(scene, hints, artefact, left):
    Chunk.objects.update(expires_at=clock.now() - timedelta(seconds=5))
    file = getattr(scene, artefact)
    place = scene.media_path if artefact == "media" else scene.media_path.replace("/video", "/acsmetadata")
    scene.host.put(place, b"", Behaviour(status=404))
    tasks.retrieve(str(file.pk))
    file.refresh_from_db()
    assert file.state == left
    assert Loss.objects.count() == (left == MediaState.LOST)


def test_a_refusal_before_the_expiry_settles_nothing(scene, hints):
    scene.serve(Behaviour(status=404))
    tasks.retrieve(str(scene.media.pk))
    scene.media.refresh_from_db()
    assert (scene.media.state, Loss.objects.count()) == (MediaState.FAILED, 0)


def test_an_operator_hands_a_waiting_file_over(scene, hints):
    MediaFile.objects.update(next_attempt_at=clock.now() + timedelta(hours=1), state=MediaState.FAILED)
    assert handover.retrieve_now(scene.media)
    scene.media.refresh_from_db()
    assert scene.media.next_attempt_at is None
    assert hints == [("retrieve", str(scene.media.pk))]


def test_an_operator_gives_a_lost_file_another_try(scene, hints):
    losses.declare(scene.recording, cause=LossCause.EXPIRED, evidence="404", chunk_index=0, media_file=scene.media)
    assert handover.retrieve_now(scene.media)
    scene.media.refresh_from_db()
    assert scene.media.state == MediaState.ANNOUNCED
    drain(hints)
    assert Recording.objects.get().bucket == Bucket.SECURED


def test_an_archived_file_is_not_retrieved_again(secured, hints):
    assert not handover.retrieve_now(secured.media)
    assert hints == []


def test_an_operator_has_an_event_processed_again(scene, hints):
    entry = rows.notification(scene.recording)
    assert handover.replay(entry)
    assert hints == [("ingest", str(entry.pk))]


def test_deletes_at_the_service_are_part_of_the_sweep(scene, hints, settings):
    settings.ACS_DELETE_AFTER_ARCHIVE = True
    for file in (scene.media, scene.metadata):
        retrieve.retrieve(claims.claim(file))
        archive.archive(file)
    tasks.decode(str(scene.media.pk))
    tasks.sweep_archive()
    assert Chunk.objects.get().remote_deleted_at


def test_every_periodic_task_exists():
    from dashboard.celery import LANE_OF_TASK, SWEEPS

    assert all(f"recordings.tasks.{name}" in current_app.tasks for name in {*SWEEPS, *LANE_OF_TASK})
