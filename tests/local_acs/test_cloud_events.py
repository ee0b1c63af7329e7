"""Reading published CloudEvents in their three modes."""

import json

import pytest

from local_acs.cloud_events import BadEvent, read_events

EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}


def structured(event: object, content_type: str = "application/cloudevents+json") -> list[dict[str, object]]:
    return read_events(json.dumps(event).encode(), {"content-type": content_type})


def test_one_event_and_a_batch_are_read() -> None:
    assert structured(EVENT, "application/cloudevents+json; charset=utf-8") == [EVENT]
    assert structured([EVENT, EVENT], "application/cloudevents-batch+json") == [EVENT, EVENT]


def test_a_binary_event_with_json_data_is_read() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a%20b", "ce-type": "t",
               "content-type": "application/json"}  # fmt: skip
    (event,) = read_events(b'{"a":1}', headers)
    assert event == {"specversion": "1.0", "id": "1", "source": "/a b", "type": "t",
                     "datacontenttype": "application/json", "data": {"a": 1}}  # fmt: skip


def test_a_binary_event_with_other_data_keeps_it_as_base64() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "content-type": "image/png"}
    (event,) = read_events(b"\x89PNG", headers)
    assert event["data_base64"] == "iVBORw=="


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (EVENT, "application/json"),
        ([], "application/cloudevents-batch+json"),
        (EVENT, "application/cloudevents-batch+json"),
        ([EVENT], "application/cloudevents+json"),
        ({**EVENT, "specversion": "0.3"}, "application/cloudevents+json"),
        ({**EVENT, "id": ""}, "application/cloudevents+json"),
        ({**EVENT, "type": 5}, "application/cloudevents+json"),
        ([{}] * 1001, "application/cloudevents-batch+json"),
    ],
)
def test_anything_else_is_a_bad_event(body: object, content_type: str) -> None:
    with pytest.raises(BadEvent):
        structured(body, content_type)


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"id":"\\ud800"}', b'{"id":Infinity}'])
def test_what_is_no_json_is_a_bad_event(body: bytes) -> None:
    with pytest.raises(BadEvent):
        read_events(body, {"content-type": "application/cloudevents+json"})
