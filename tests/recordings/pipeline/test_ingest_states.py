"""What state callbacks make of recordings: ours, and those that other software started."""

import uuid

import pytest

from recordings import adoption, evidence, identities
from recordings.adoption import Sighting
from recordings.models import Command, Participant, Presence, Recording, StateChange
from recordings.pipeline import ingest
from recordings.states import Bucket, CommandState, CommandVerb, NotificationState, RecordingState
from tests.recordings import builders
from tests.recordings.builders import at, take

pytestmark = pytest.mark.django_db


def requested() -> Recording:
    """A recording whose start is committed and not answered."""
    recording = Recording.objects.create(
        resource=builders.resource(),
        origin=Recording.Origin.OPERATOR,
        state=RecordingState.REQUESTED,
        callback_secret="s3cret",
        requested_at=at(-1),
    )
    Command.objects.create(
        id=uuid.uuid4(),
        resource=recording.resource,
        recording=recording,
        verb=CommandVerb.START,
        requested_at=at(-1),
        sent_at=at(-1),
        body={"callLocator": {"kind": "serverCallLocator", "serverCallId": "call-1"}, "pauseOnStart": False},
    )
    return recording


@pytest.mark.parametrize(("word", "state"), [("active", RecordingState.ACTIVE), ("Inactive", RecordingState.PAUSED)])
def test_a_callback_for_an_unknown_recording_makes_it_appear(word, state):
    take(builders.state_callback(word))
    recording = Recording.objects.get()
    assert (recording.origin, recording.state, recording.identity) == (Recording.Origin.CALLBACK, state, "r:rec-1")
    assert recording.started_at == at(0)
    assert recording.bucket == Bucket.RECORDING
    assert recording.call.server_call_id == "call-1"


def test_words_may_come_in_any_order():
    take(builders.state_callback("inactive", seconds=9), builders.state_callback("active", seconds=1))
    assert Recording.objects.get().state == RecordingState.PAUSED


def test_an_unknown_word_is_kept_as_failed():
    [row] = take(builders.state_callback("sleeping"))
    assert row.state == NotificationState.FAILED
    assert "'sleeping'" in row.error
    assert not Recording.objects.exists()


def test_a_callback_names_its_recording_in_data_or_subject():
    event = builders.state_callback()
    del event["data"]["recordingId"], event["data"]["serverCallId"]
    take(event)
    assert Recording.objects.get().recording_id == "rec-1"
    assert Recording.objects.get().call.server_call_id == "call-1"


def test_a_callback_that_names_no_recording_is_kept_as_failed():
    event = builders.state_callback() | {"subject": "", "source": ""}
    del event["data"]["recordingId"]
    [row] = take(event)
    assert (row.state, Recording.objects.count()) == (NotificationState.FAILED, 0)


def test_the_2021_type_is_understood():
    take(builders.state_callback() | {"type": "Microsoft.Communication.CallRecordingStateChanged"})
    assert Recording.objects.get().state == RecordingState.ACTIVE


def test_a_callback_that_overtakes_the_answer_tells_the_recording_its_id():
    recording = requested()
    take(builders.state_callback(), to=recording)
    recording.refresh_from_db()
    assert (recording.state, recording.identity) == (RecordingState.ACTIVE, "r:rec-1")
    assert recording.commands.get().state == CommandState.CONFIRMED
    same = evidence.identify(recording, "rec-1", server_call_id="call-1")
    assert same.pk == recording.pk
    assert recording.commands.get().identity == "r:rec-1"


def test_an_answer_that_comes_after_the_event_joins_both_entries():
    recording = requested()
    take(builders.joined(), builders.state_callback(seconds=1))
    assert Recording.objects.count() == 2
    same = evidence.identify(recording, "rec-1", server_call_id="call-1")
    assert same.pk == recording.pk
    joined = Recording.objects.get()
    assert (joined.origin, joined.state, joined.identity) == (
        Recording.Origin.OPERATOR,
        RecordingState.ACTIVE,
        "r:rec-1",
    )
    assert joined.commands.get().state == CommandState.CONFIRMED
    assert (joined.notifications.count(), joined.call.presences.count(), joined.call.server_call_id) == (1, 1, "call-1")


def test_an_answer_that_comes_after_the_file_joins_both_entries():
    recording = requested()
    take(builders.file_event())
    evidence.identify(recording, "rec-1", server_call_id="call-1")
    recording.refresh_from_db()
    assert (recording.state, recording.chunks.count()) == (RecordingState.ENDED, 1)
    assert recording.commands.get().state == CommandState.CONFIRMED
    assert recording.bucket == Bucket.IN_TEMPORARY_STORAGE


def test_a_callback_on_the_address_of_another_recording_makes_its_own_appear():
    recording = requested()
    take(builders.state_callback(recording="rec-1"), to=recording)
    [row] = take(builders.state_callback(recording="rec-2", seconds=2), to=recording)
    assert row.recording.recording_id == "rec-2"
    assert Recording.objects.count() == 2


def test_a_start_that_fails_after_all_has_no_media():
    take(builders.state_callback("inactive"), builders.start_failed())
    recording = Recording.objects.get()
    assert (recording.state, recording.bucket) == (RecordingState.FAILED, Bucket.NO_MEDIA)
    assert "Invalid join identity" in recording.changes.last().because


def test_a_start_fails_although_its_answer_is_not_recorded_yet():
    recording = requested()
    event = builders.start_failed()
    del event["data"]["recordingId"]
    take(event, to=recording)
    recording.refresh_from_db()
    assert recording.state == RecordingState.FAILED
    assert recording.commands.get().error_code == "400/8527"


def test_a_failed_start_of_an_unknown_recording_is_kept_on_the_books():
    take(builders.start_failed())
    assert Recording.objects.get().bucket == Bucket.NO_MEDIA


def test_a_failed_start_without_an_id_is_kept_as_failed():
    event = builders.start_failed()
    del event["data"]["recordingId"]
    [row] = take(event)
    assert (row.state, Recording.objects.count()) == (NotificationState.FAILED, 0)


def test_a_later_word_outweighs_a_failed_start():
    take(builders.state_callback("active", seconds=5), builders.start_failed(seconds=2))
    assert Recording.objects.get().state == RecordingState.ACTIVE


def test_joining_takes_everything_along():
    one = adopted(Sighting(resource=builders.resource(), recording_id="rec-a"))
    take(builders.file_event(recording="rec-b"))
    other = Recording.objects.get(recording_id="rec-b")
    alice = Participant.objects.create(resource=one.resource, raw_id="8:acs:alice")
    for recording in (one, other):
        recording.cast.create(participant=alice)
        Command.objects.create(resource=one.resource, recording=recording, verb=CommandVerb.STOP)
    kept = adoption.merge(one, into=other)
    assert kept == Recording.objects.get() == other
    assert (kept.chunks.count(), kept.cast.count(), kept.commands.count()) == (1, 1, 2)
    assert kept.commands.open().count() == 1
    assert StateChange.objects.filter(recording=kept, because__contains="turned out to be one").exists()
    assert adoption.merge(kept, into=kept) == kept


def test_joining_what_is_joined_already_changes_nothing():
    one = adopted(Sighting(resource=builders.resource(), recording_id="rec-a"))
    other = adopted(Sighting(resource=builders.resource(), recording_id="rec-b"))
    adoption.merge(one, into=other)
    assert adoption.merge(one, into=other) == other


def adopted(sighting: Sighting) -> Recording:
    return adoption.adopt(
        sighting, origin=Recording.Origin.CALLBACK, state=RecordingState.ACTIVE, because="for the test"
    )


def test_an_id_once_learnt_does_not_change():
    row = adopted(Sighting(resource=builders.resource(), recording_id="rec-a"))
    assert adoption.name(row, "rec-b").identity == identities.by_recording_id("rec-a")


def test_a_recording_takes_its_place_in_one_call_only():
    take(builders.joined(), builders.joined("8:acs:b", call="call-2"))
    row = adopted(Sighting(resource=builders.resource(), recording_id="rec-a"))
    first, second = (Presence.objects.get(participant__raw_id=who).call for who in ("8:acs:alice", "8:acs:b"))
    adoption.place(row, first)
    adoption.place(row, second)
    row.refresh_from_db()
    assert row.call == first


def test_two_starts_that_are_almost_as_near_are_not_told_apart():
    for number, seconds in ((1, -20), (2, 15)):
        take(builders.state_callback(recording=f"rec-{number}", startDateTime=builders.stamp(seconds)))
    take(builders.file_event_2021())
    assert Recording.objects.filter(recording_id=None).count() == 1


def test_a_processed_entry_can_be_replayed():
    [row] = take(builders.file_event())
    assert ingest.replay(row)
    assert not ingest.replay(row)
    ingest.ingest(row.pk)
    row.refresh_from_db()
    assert row.state == NotificationState.PROCESSED
    assert row.outcome == "Announced nothing that was not known."
