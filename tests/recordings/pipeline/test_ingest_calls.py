"""What call events make of calls, people and the recordings of the call."""

import pytest
from django.db.models import Exists

from recordings import calls
from recordings.models import Call, Participant, Presence, Recording
from recordings.states import NotificationState, RecordingState
from tests.recordings import builders
from tests.recordings.builders import at, take

pytestmark = pytest.mark.django_db


def stays() -> list[tuple[object, object]]:
    return sorted(Presence.objects.values_list("joined_at", "left_at"), key=str)


def test_a_call_begins_and_ends():
    take(builders.call_started())
    call = Call.objects.live().get()
    assert (call.server_call_id, call.correlation_id, call.started_at) == ("call-1", "call-1-guid", at(-60))
    assert call.started_by == "8:acs:alice"
    take(builders.call_ended())
    call.refresh_from_db()
    assert (call.ended_at, call.end_reason) == (at(60), "Normal (0/0)")
    assert not Call.objects.live().exists()


def test_an_end_may_come_before_its_start():
    take(builders.call_ended(), builders.call_started())
    call = Call.objects.get()
    assert (call.started_at, call.ended_at) == (at(-60), at(60))


def test_a_start_after_the_end_opens_the_call_anew():
    take(builders.call_started(), builders.call_ended(), builders.call_started(seconds=90))
    assert Call.objects.live().get().started_at == at(90)
    [late] = take(builders.call_ended(seconds=61))
    assert late.outcome == "A call ended, and had begun again since."
    assert Call.objects.live().exists()


@pytest.mark.parametrize(
    "ended_by",
    [
        {"communicationIdentifier": {"rawId": "8:acs:bob"}},
        {"communicationidentifier": {"communicationUser": {"id": "8:acs:bob"}}, "name": "TestCallEndedBy"},
        {"rawId": "8:acs:bob", "role": "x"},
    ],
)
def test_who_ended_a_call_is_understood_in_every_shape(ended_by):
    take(builders.call_ended(endedBy=ended_by))
    assert Call.objects.get().end_reason == "Normal (0/0) by 8:acs:bob"


@pytest.mark.parametrize(
    ("user", "raw_id"),
    [
        ({"rawId": "8:acs:u", "communicationUser": {"id": "other"}}, "8:acs:u"),
        ({"communicationIdentifier": {"phoneNumber": {"value": "+4912345"}}}, "4:+4912345"),
        ({"communicationIdentifier": {"microsoftTeamsUser": {"userId": "t"}}}, "8:orgid:t"),
    ],
)
def test_a_participant_is_understood_in_every_shape(user, raw_id):
    event = builders.joined()
    event["data"]["user"] = user
    take(event)
    assert Participant.objects.get().raw_id == raw_id


def test_a_participant_without_an_id_is_told():
    event = builders.joined()
    event["data"]["user"] = {"role": "x"}
    [row] = take(event)
    assert (row.state, row.error) == (
        NotificationState.FAILED,
        "The event names no participant: `user` has no usable raw id.",
    )
    assert not Call.objects.exists()


def test_a_call_without_an_id_is_told():
    [row] = take(builders.call_started(""))
    assert (row.state, row.tries) == (NotificationState.FAILED, 1)
    assert "no usable serverCallId" in row.error


def test_the_end_of_a_call_ends_its_recordings():
    [callback] = take(builders.state_callback())
    take(builders.call_ended())
    recording = Recording.objects.get()
    assert (recording.state, recording.ended_at) == (RecordingState.ENDED, at(60))
    assert callback.recording == recording


def test_a_word_from_before_the_end_of_the_call_comes_too_late_to_revive_it():
    take(builders.call_ended(), builders.state_callback())
    recording = Recording.objects.get()
    assert (recording.state, recording.ended_at) == (RecordingState.ENDED, at(60))


def test_a_stay_has_a_beginning_and_an_end():
    take(builders.joined(), builders.left())
    assert stays() == [(at(-50), at(50))]


def test_leaving_may_come_before_joining():
    take(builders.left())
    assert stays() == [(None, at(50))]
    take(builders.joined())
    assert stays() == [(at(-50), at(50))]


def test_joining_twice_and_leaving_once_leaves_one_in_the_call():
    take(builders.joined(seconds=-50), builders.joined(seconds=-40), builders.left(seconds=-30))
    assert stays() == [(at(-50), at(-30)), (at(-40), None)]


def test_repeated_events_change_nothing():
    take(builders.joined(), builders.joined(), builders.left(), builders.left())
    assert stays() == [(at(-50), at(50))]


def test_the_newest_name_wins_in_whatever_order():
    take(builders.joined(name="Alice B", seconds=-20), builders.joined(name="Alice A", seconds=-50))
    assert Participant.objects.get().display_name == "Alice B"


def in_python(recording: Recording) -> set[str]:
    stays = Presence.objects.filter(call=recording.call).select_related("participant")
    return {stay.participant.raw_id for stay in calls.during(recording, stays)}


def in_sql(recording: Recording) -> set[str]:
    people = Participant.objects.in_bulk()
    there = {
        key: Recording.objects.filter(
            Exists(Presence.objects.filter(calls.during_outer_recording(), participant=key)), pk=recording.pk
        ).exists()
        for key in people
    }
    return {people[key].raw_id for key, found in there.items() if found}


@pytest.mark.parametrize("who", [in_python, in_sql])
def test_those_who_left_before_a_recording_or_came_after_it_are_not_in_it(who):
    take(
        *(builders.joined("8:acs:left-before", seconds=-50), builders.left("8:acs:left-before", seconds=-10)),
        *(builders.joined("8:acs:through", seconds=-50), builders.left("8:acs:through", seconds=200)),
        *(builders.joined("8:acs:during", seconds=20), builders.left("8:acs:during", seconds=30)),
        builders.joined("8:acs:still-there", seconds=-50),
        builders.left("8:acs:since-when", seconds=30),
        builders.joined("8:acs:came-after", seconds=100),
        builders.file_event(),
    )
    recording = Recording.objects.get()
    assert (recording.started_at, recording.ended_at) == (at(0), at(60))
    inside = {"8:acs:through", "8:acs:during", "8:acs:still-there", "8:acs:since-when"}
    assert who(recording) == inside
    Recording.objects.update(started_at=None, ended_at=None)
    recording.refresh_from_db()
    assert who(recording) == inside | {"8:acs:left-before", "8:acs:came-after"}


def test_a_change_of_the_cast_shows():
    take(builders.state_callback())
    before = Recording.objects.get().version
    take(builders.joined("8:acs:b"))
    assert Recording.objects.get().version > before


def test_a_call_known_by_its_call_id_becomes_the_call_with_that_correlation_id():
    take(builders.file_event_2021())
    nameless = Call.objects.get()
    take(builders.call_started())
    assert Call.objects.get().pk == nameless.pk
    assert Call.objects.get().server_call_id == "call-1"


def test_two_calls_with_one_correlation_id_stay_apart():
    first, second = builders.call_started("one"), builders.call_started("two")
    for event in (first, second):
        event["data"]["correlationId"] = "shared"
    take(first, second, builders.file_event_2021(call="shared"))
    assert Call.objects.exclude(server_call_id="").count() == 2
    assert Recording.objects.get().call.server_call_id == ""


def test_a_server_call_id_is_the_same_with_and_without_padding():
    take(builders.call_started("Y2FsbA=="), builders.call_ended("Y2FsbA"))
    assert Call.objects.get().ended_at == at(60)


def test_stays_of_a_nameless_call_move_with_it():
    take(builders.left(call="other"))
    alice = Participant.objects.get()
    nameless = Call.objects.create(resource=builders.resource(), remote_call_id="other-guid")
    calls.remember_stay(nameless, alice, joined=at(-50), left=None)
    take(builders.call_started("other"))
    assert stays() == [(at(-50), at(50))]
    assert Call.objects.count() == 1
