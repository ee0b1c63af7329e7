"""Every real payload that was collected outside this repository, and the rows that each must lead to.

The folder is named by `TAPEDECK_CONTRACT_PAYLOADS`, or lies beside the repository; without it these tests are skipped.
The builders' events are their equivalents and run everywhere.
"""

import json
import os
from pathlib import Path

import pytest

from recordings.acs import metadata
from recordings.models import Call, Chunk, Notification, Participant, Presence, Recording
from recordings.states import NotificationState, RecordingState
from tests.recordings import snapshots
from tests.recordings.builders import take

FOLDER = Path(
    os.environ.get("TAPEDECK_CONTRACT_PAYLOADS") or Path(__file__).parents[4] / "shared" / "contract" / "payloads"
)
FILES = sorted(FOLDER.glob("*")) if FOLDER.is_dir() else []
JSON_FILES = [path for path in FILES if path.suffix == ".json"]
DOCUMENT = "0-eus-d12-801b3f3fc462fe8a01e6810cbff729b8"
STORE = "https://storage.asm.skype.com/v1/objects"
USER = "8:acs:d9ff4983-39e7-4420-8d54-f6354ed06ccd_7a668e62-08f4-4ac1-b29e-f01010f57475"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not FILES, reason=f"0 real payloads: {FOLDER} is not there"),
]


def name(path: Path) -> str:
    return path.name


def taken(file: str) -> Notification:
    """The inbox row of the one event in that file."""
    [row] = take((FOLDER / file).read_bytes())
    return row


def test_the_folder_is_whole(capsys):
    with capsys.disabled():
        print(f"\n{len(FILES)} real payloads in {FOLDER}")  # noqa: T201 - the count is what this run is for
    assert len(FILES) >= 26


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_payload_is_kept_whatever_it_is(path):
    rows = take(path.read_bytes())
    assert rows
    for row in rows:
        assert row.state != NotificationState.PENDING
        assert row.error or row.outcome


@pytest.mark.parametrize("path", JSON_FILES, ids=name)
def test_every_payload_twice_is_the_same_as_once(path):
    body = path.read_bytes()
    with snapshots.forgotten():
        take(body)
        once = snapshots.facts()
    take(body, body)
    assert snapshots.facts() == once


@pytest.mark.parametrize(
    "file",
    [
        "event_ce_specs_recording_file_status_updated.json",
        "event_eg_specs_recording_file_status_updated.json",
        "event_eg_2022-12_docs_deleteLocation_mismatch.json",
    ],
)
def test_a_real_file_event(file):
    row = taken(file)
    recording, chunk = Recording.objects.get(), Chunk.objects.get()
    assert (row.state, row.recording, row.identity) == (NotificationState.PROCESSED, recording, "r:{recording-id}")
    assert (recording.state, recording.duration_ms) == (RecordingState.ENDED, 6620)
    assert (recording.remote_call_id, recording.session_end_reason) == ("{call-id}", "CallEnded")
    assert recording.started_at.isoformat() == "2021-07-27T15:20:23.608975+00:00"
    assert recording.ended_at.isoformat() == "2021-07-27T15:20:30.228975+00:00"
    assert (chunk.document_id, chunk.index, chunk.end_reason) == (DOCUMENT, 0, "SessionEnded")
    assert chunk.content_location == f"{STORE}/{DOCUMENT}/content/video"
    assert chunk.metadata_location == f"{STORE}/{DOCUMENT}/content/acsmetadata"
    assert chunk.files.count() == 2
    assert chunk.expires_at.isoformat() == "2021-07-28T15:20:30.228975+00:00"


def test_the_real_twins_meet_and_their_kinds_are_read():
    take(
        (FOLDER / "event_ce_specs_recording_file_status_updated.json").read_bytes(),
        (FOLDER / "event_eg_specs_recording_file_status_updated.json").read_bytes(),
        (FOLDER / "event_eg_2022-12_docs_deleteLocation_mismatch.json").read_bytes(),
    )
    recording = Recording.objects.get()
    assert (Notification.objects.count(), Chunk.objects.count()) == (3, 1)
    assert (recording.content_type, recording.channel_type, recording.format_type) == ("audio", "mixed", "mp3")
    assert recording.call.server_call_id == "{server-call-id}"


def test_the_real_delete_location_may_name_another_document():
    taken("event_eg_2022-12_docs_deleteLocation_mismatch.json")
    location = "https://us-storage.asm.skype.com/v1/objects/0-eus-d1-83e9599991e21ad21220427d78fbf558"
    assert Chunk.objects.get().delete_location == location


def test_a_real_state_callback():
    row = taken("callback_ce_recording_state_changed_java.json")
    recording = Recording.objects.get()
    assert (recording.state, recording.recording_id) == (RecordingState.ACTIVE, "recordingId")
    assert (recording.origin, recording.call.server_call_id) == (Recording.Origin.CALLBACK, "serverCallId")
    assert recording.call.correlation_id == "correlationId"
    assert recording.started_at.isoformat() == "2022-08-11T23:42:45.439421+00:00"
    assert row.identity == "r:recordingId"


def test_a_real_call_of_2022():
    take(
        (FOLDER / "event_eg_2022-12_docs_call_ended.json").read_bytes(),
        (FOLDER / "event_eg_2022-12_docs_call_started.json").read_bytes(),
    )
    call = Call.objects.get()
    assert (call.server_call_id, call.correlation_id) == ("{serverCallId}", "{correlationId}")
    assert call.started_by == "8:acs:bc360ba8-d29b-4ef2-b698-769ebef85521_0000000c-1fb9-4878-07fd-0848220077e1"
    assert call.started_at.isoformat() == "2021-09-22T17:02:38.690585+00:00"
    assert call.ended_at.isoformat() == "2021-09-22T17:03:12.614300+00:00"


def test_a_real_end_of_a_call_and_a_real_participant():
    take(
        (FOLDER / "event_ce_specs_call_ended.json").read_bytes(),
        (FOLDER / "event_ce_specs_call_participant_added.json").read_bytes(),
    )
    call, stay, person = Call.objects.get(), Presence.objects.get(), Participant.objects.get()
    assert (call.server_call_id, call.correlation_id) == ("Y3NVcmw", "CallIdGuid")
    assert call.end_reason == f"ReasonCode (1/1) by {USER}"
    assert (person.raw_id, person.display_name) == (USER, "displayName1")
    assert (stay.call, stay.joined_at.isoformat(), stay.left_at) == (call, "2021-02-19T00:25:59.943666+00:00", None)


def test_a_real_incoming_call_is_kept_without_its_secret():
    row = taken("event_ce_specs_incoming_call.json")
    assert row.state == NotificationState.IGNORED
    assert "{incoming-call-contextValue}" not in row.body
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("file", "event_type"),
    [
        ("event_eg_deadletter_docs.json", "Microsoft.Storage.BlobCreated"),
        ("event_eg_subscription_validation.json", "Microsoft.EventGrid.SubscriptionValidationEvent"),
    ],
)
def test_a_real_event_about_something_else_is_ignored(file, event_type):
    row = taken(file)
    assert (row.state, row.event_type, row.schema) == (NotificationState.IGNORED, event_type, "eventgrid")


def test_a_real_answer_of_pull_delivery_holds_an_event_with_bare_data():
    answer = json.loads((FOLDER / "pull_receive_response_docs.json").read_bytes())
    [row] = take(answer["value"][0]["event"])
    assert (row.state, row.event_type) == (NotificationState.IGNORED, "demo-started")


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.name.startswith(("err_", "log_", "meta_", "rest_", "schema_"))],
    ids=name,
)
def test_what_is_no_event_is_kept_as_failed(path):
    [row] = take(path.read_bytes())
    assert row.state == NotificationState.FAILED
    assert not Recording.objects.exists()


def test_the_real_metadata_of_2021():
    found = metadata.parse((FOLDER / "meta_2021-03_botframework_telephony.json").read_bytes())
    assert found.document_id == "0-eus-d11-05bf22b166dfb2119e3ff85d98906121"
    assert (found.duration_ms, found.audio.sample_rate, found.video.frame_rate) == (15_000, 16_000, 8.0)
    assert (found.kinds.content_type, found.kinds.channel_type) == ("audioVideo", "mixed")
    assert len(found.participants) == 2
    assert metadata.parse((FOLDER / "meta_2021-04_docs_template.json").read_bytes()).start_time is None
    minimal = metadata.parse((FOLDER / "meta_2021-10_nock_minimal_redirected.json").read_bytes())
    assert minimal.document_id == "0-sa-d4-a29f0c0212c0a2a634ab078245184de8"
