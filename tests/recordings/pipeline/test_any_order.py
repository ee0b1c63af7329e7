"""A story's events, shuffled and repeated at will, lead to the same rows."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.models import Recording
from tests.recordings import builders, snapshots
from tests.recordings.builders import bare_chunk, chunk, take

pytestmark = pytest.mark.django_db

CALL_WITH_TWO_CHUNKS = (
    builders.call_started(),
    builders.joined("8:acs:a", "Ann"),
    builders.joined("8:acs:b", "Bob", seconds=-40),
    builders.joined("8:acs:b", "Robert", seconds=10),
    builders.left("8:acs:b", "Bob", seconds=5),
    builders.left("8:acs:a", "Ann", seconds=60),
    builders.state_callback("active", seconds=1),
    builders.state_callback("inactive", seconds=20),
    builders.state_callback("active", seconds=30),
    builders.call_ended(),
    builders.file_event(chunk("doc-0", 0, end_reason="ChunkMaximumSizeExceeded"), chunk("doc-1", 1)),
    builders.file_event_in_grid_schema(chunk("doc-1", 1), seconds=121),
)
STORY_OF_2021_THAT_LEARNS_ITS_ID = (
    builders.call_started(),
    builders.joined("8:acs:a", "Ann"),
    builders.file_event_2021(bare_chunk("doc-0", 0, end_reason="ChunkMaximumSizeExceeded")),
    builders.file_event_2021(bare_chunk("doc-1", 1), seconds=130),
    builders.call_ended(),
    builders.state_callback("active", seconds=1),
    builders.file_event(chunk("doc-0", 0, end_reason="ChunkMaximumSizeExceeded"), seconds=140),
)
CALL_THAT_BEGINS_ANEW = (
    builders.call_started(seconds=-60),
    builders.call_ended(seconds=60),
    builders.call_started(seconds=100),
    builders.file_event(chunk("doc-0", 0), recording="rec-1"),
    builders.file_event(chunk("doc-9", 0), recording="rec-2", seconds=125),
    builders.joined("8:acs:a", seconds=-50),
    builders.joined("8:acs:a", seconds=101),
    builders.left("8:acs:a", seconds=60),
)
STILL_LIVE = (
    builders.call_started(),
    builders.state_callback("active", seconds=1),
    builders.state_callback("inactive", seconds=20),
    builders.joined("8:acs:a", "Ann"),
)
STORIES = {
    "two chunks": CALL_WITH_TWO_CHUNKS,
    "2021": STORY_OF_2021_THAT_LEARNS_ITS_ID,
    "anew": CALL_THAT_BEGINS_ANEW,
    "live": STILL_LIVE,
}


def told(events: tuple[object, ...]) -> dict[str, object]:
    with snapshots.forgotten():
        take(*events)
        return snapshots.facts()


@pytest.mark.parametrize("name", STORIES)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_order_and_the_number_of_deliveries_do_not_matter(name, data):
    story = STORIES[name]
    order = data.draw(st.permutations(range(len(story))))
    again = data.draw(st.lists(st.sampled_from(range(len(story))), max_size=4))
    assert told(tuple(story[number] for number in [*order, *again])) == told(story)


def test_the_stories_end_as_they_should():
    take(*CALL_WITH_TWO_CHUNKS)
    recording = Recording.objects.get()
    assert (recording.state, recording.chunks.count(), recording.call.presences.count()) == ("ended", 2, 3)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    packing=st.sampled_from(["array", "string", "base64", "batch of one", "spaces"]),
    event=st.sampled_from(CALL_WITH_TWO_CHUNKS),
)
def test_the_packing_does_not_matter(packing, event):
    import base64

    text = json.dumps(event)
    packed = {
        "array": f"[{text}]",
        "string": json.dumps(text),
        "base64": base64.b64encode(text.encode()).decode(),
        "batch of one": json.dumps([event]),
        "spaces": f"\ufeff\n {text} \n",
    }[packing]
    body = packed.encode("utf-8")
    with snapshots.forgotten():
        [row] = take(body)
        assert row.event_type == event.get("type", event.get("eventType"))
        packed_facts = snapshots.facts()
    assert packed_facts == told((event,))
