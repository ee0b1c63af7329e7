"""The inbox keeps every event as it arrived, once, with every arrival of it, whatever it is."""

import base64
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recordings.models import EventSource, Notification, NotificationDelivery, Recording
from recordings.pipeline import ingest, notification
from recordings.states import NotificationState
from tests.recordings import builders, snapshots
from tests.recordings.builders import take

pytestmark = pytest.mark.django_db

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
HOSTILE = st.sampled_from(
    ["", "\x00", "\ud800", "../../x", "x" * 5_000, -1, 2**70, 1e308, float("nan"), True, None, [], {}, [[]], {"a": {}}]
)
ANYTHING = JSON | HOSTILE


def accept(body, **more):
    return notification.accept(body, resource=builders.resource(), **more)


def test_an_event_is_kept_as_it_arrived():
    event = builders.file_event()
    [row] = accept(json.dumps(event))
    assert json.loads(row.body) == event
    assert (row.schema, row.event_id) == ("cloudevents", event["id"])
    assert row.event_type == "Microsoft.Communication.RecordingFileStatusUpdated"
    assert (row.event_time, row.state) == (builders.at(120), NotificationState.PENDING)
    assert row.lag_seconds > 0


def test_the_same_event_again_is_a_delivery_and_no_second_row():
    event = builders.file_event()
    [first] = accept(json.dumps(event))
    [second] = accept(dict(reversed(event.items())), delivery_count=3)
    assert first == second
    counts = NotificationDelivery.objects.order_by("id").values_list("delivery_count", flat=True)
    assert list(counts) == [1, 3]


def test_an_event_id_with_another_body_is_another_event():
    accept(builders.call_started())
    accept(builders.call_started() | {"subject": "other"})
    assert Notification.objects.count() == 2


def test_an_array_is_split_and_each_event_stored_once():
    rows = accept(json.dumps([builders.call_started(), builders.call_ended(), builders.call_started()]))
    assert len(rows) == Notification.objects.count() == 2
    assert NotificationDelivery.objects.count() == 3


def test_a_batch_of_thousands_is_stored():
    assert len(accept(json.dumps([{"id": str(number)} for number in range(1_200)]))) == 1_200


def test_a_batch_beyond_every_limit_is_stored_as_one_that_makes_no_sense():
    [row] = accept(json.dumps([{"id": str(number)} for number in range(5_001)]))
    ingest.ingest(row.pk)
    row.refresh_from_db()
    assert row.state == NotificationState.FAILED


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is not JSON"),
        (b"<html>no</html>", "The body is not JSON"),
        (b"\xff\xfe\xfa", "The body is not JSON"),
        (b"[]", "The event has no type."),
        (b"null", "The event has no type."),
        (b"7", "The event has no type."),
        ('"test"', "The event has no type."),
        ("[" * 100_000, "nested more deeply"),
        ("[" * 900 + "]" * 900, "The event has no type."),
        ("9" * 5_000, "The body is not JSON"),
        ('{"id": "a"', "The body is not JSON"),
        ('{"id": "a\x00"}', "The event has no type."),
    ],
)
def test_a_body_that_is_no_event_is_kept_with_a_sentence(body, sentence):
    [row] = accept(body)
    ingest.ingest(row.pk)
    row.refresh_from_db()
    assert (row.state, row.schema) == (NotificationState.FAILED, "unknown")
    assert sentence in row.error


def test_an_event_too_deep_to_be_written_down_leaves_a_row_all_the_same():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    [row] = accept(deep)
    ingest.ingest(row.pk)
    row.refresh_from_db()
    assert (row.state, row.body) == (NotificationState.FAILED, "(nested too deeply to be kept)")


def test_bytes_that_are_not_utf_8_cost_a_letter_and_not_the_event():
    body = json.dumps(builders.joined(name="Ren?")).encode().replace(b"Ren?", b"Ren\xe9")
    [row] = take(body)
    assert (row.state, row.outcome) == (NotificationState.PROCESSED, "Ren\ufffd joined a call.")


def test_utf_16_is_read():
    [row] = take(json.dumps(builders.call_started()).encode("utf-16"))
    assert row.outcome == "A call began."


def test_data_may_come_as_text_or_as_base64():
    event = builders.call_started()
    text = json.dumps(event["data"])
    packed = {key: value for key, value in event.items() if key != "data"}
    in_base64 = packed | {"data_base64": base64.b64encode(text.encode()).decode()}
    rows = take(packed | {"data": text}, in_base64, packed | {"data": "no json"}, packed | {"data_base64": "?"})
    states = [NotificationState.PROCESSED] * 2 + [NotificationState.FAILED] * 2
    assert [row.state for row in rows] == states


@pytest.mark.parametrize("context", ["a.secret.token", {"deep": "a.secret.token"}, ["a.secret.token"]])
def test_the_context_of_an_incoming_call_is_not_kept(context):
    [row] = take(builders.incoming_call(context))
    assert "a.secret.token" not in row.body
    assert json.loads(row.body)["data"]["incomingCallContext"] == "(not kept)"
    assert row.state == NotificationState.IGNORED


def test_the_context_of_an_incoming_call_is_not_kept_in_packed_data_either():
    event = builders.incoming_call()
    text = json.dumps(event["data"])
    packed = base64.b64encode(text.encode()).decode()
    for changed in (event | {"data": text}, event | {"data": None, "data_base64": packed}):
        [row] = take(changed)
        assert "secret" not in row.body
        assert packed not in row.body


def test_the_context_is_not_kept_in_a_broken_body_either():
    [row] = take('{"incomingCallContext": "a.secret.token", ')
    assert "secret" not in row.body


def test_the_address_that_confirms_a_subscription_is_not_kept():
    [row] = take([builders.validation()])
    assert "rp-eastus2" not in row.body
    assert row.state == NotificationState.IGNORED


def test_an_unknown_type_is_ignored_with_a_sentence():
    [row] = take({"specversion": "1.0", "type": "demo-started", "id": "1", "source": "/test", "data": "test"})
    assert (row.state, row.outcome) == (NotificationState.IGNORED, "Nothing to do for demo-started.")


def test_an_event_of_another_resource_is_ignored_with_a_sentence():
    event = builders.file_event() | {"source": builders.TOPIC.replace("contoso", "fabrikam")}
    [row] = take(event)
    assert row.state == NotificationState.IGNORED
    assert row.outcome == "It speaks of the resource fabrikam; this installation is connected to contoso."
    assert not Recording.objects.exists()


def test_an_endpoint_that_is_not_azures_tells_nothing_about_names():
    event = builders.file_event() | {"source": builders.TOPIC.replace("contoso", "fabrikam")}
    [row] = notification.accept(event, resource=builders.resource("http://127.0.0.1:8801"))
    ingest.ingest(row.pk)
    assert Recording.objects.exists()


def test_a_source_remembers_when_it_last_brought_something():
    source = EventSource.objects.create(resource=builders.resource(), kind="event_grid", address="a")
    [row] = accept(builders.call_started(), source=source)
    source.refresh_from_db()
    assert source.last_notification_at is not None
    assert (row.source, row.deliveries.get().source) == (source, source)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=ANYTHING)
@example(body=[])
@example(body="\ud800")
@example(body={"id": "\x00", "type": "\ud800", "subject": "x" * 3_000})
def test_any_json_value_leaves_a_row_that_tells_what_became_of_it(body):
    with snapshots.forgotten():
        for row in accept(json.dumps(body)) + accept(body):
            ingest.ingest(row.pk)
            row.refresh_from_db()
            assert row.state in {NotificationState.FAILED, NotificationState.IGNORED}
            assert row.error or row.outcome
        assert Notification.objects.exists()


KINDS = st.sampled_from(
    [
        "RecordingFileStatusUpdated",
        "RecordingStateChanged",
        "StartRecordingFailed",
        "CallStarted",
        "CallEnded",
        "CallParticipantAdded",
        "CallParticipantRemoved",
        "IncomingCall",
    ]
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "recordingStorageInfo": ANYTHING
        | st.fixed_dictionaries(
            {
                "recordingChunks": st.lists(
                    st.fixed_dictionaries(
                        {},
                        optional={
                            "documentId": ANYTHING | st.sampled_from(["d1", "d2"]),
                            "index": ANYTHING | st.integers(0, 3),
                            "endReason": ANYTHING,
                            "contentLocation": ANYTHING | st.just("https://x.asm.skype.com/v1/objects/d1/content"),
                            "metadataLocation": ANYTHING,
                            "deleteLocation": ANYTHING,
                        },
                    ),
                    max_size=3,
                )
            }
        ),
        "recordingId": ANYTHING | st.sampled_from(["r1", "r2"]),
        "serverCallId": ANYTHING | st.sampled_from(["s1", "s2"]),
        "correlationId": ANYTHING | st.sampled_from(["c1", "c2"]),
        "state": ANYTHING | st.sampled_from(["active", "inactive"]),
        "startDateTime": ANYTHING | st.just(builders.stamp(0)),
        "recordingStartTime": ANYTHING | st.just(builders.stamp(0)),
        "recordingDurationMs": ANYTHING | st.just(60_000),
        "recordingContentType": ANYTHING,
        "recordingFormatType": ANYTHING,
        "sessionEndReason": ANYTHING,
        "user": ANYTHING | st.just(builders.person()),
        "displayName": ANYTHING,
        "startedBy": ANYTHING,
        "endedBy": ANYTHING,
        "reason": ANYTHING,
        "resultInformation": ANYTHING,
    },
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    events=st.lists(
        st.builds(
            builders.cloud_event,
            KINDS,
            DATA | ANYTHING,
            seconds=st.integers(-100, 100),
            subject=st.sampled_from(["", "/recording/call/c1", "/recording/call/c1/serverCallId/s1/recordingId/r1"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_an_event_of_a_known_type_with_any_data_is_processed_or_told(events):
    with snapshots.forgotten():
        for row in accept(json.dumps(events)):
            ingest.ingest(row.pk)
            row.refresh_from_db()
            assert row.state != NotificationState.PENDING, row.error
            assert row.error or row.outcome
