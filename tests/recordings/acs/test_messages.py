"""What events say, in shapes that no other test needs rows for."""

import pytest

from recordings.acs import envelopes, messages
from recordings.acs.envelopes import Misunderstood
from recordings.acs.fields import Fields, identifier, label, moment
from tests.recordings import builders


def said(event):
    return messages.parse(envelopes.open_envelope(event))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T09:00:00.1234567Z", "2026-03-02T09:00:00.123456+00:00"),
        ("2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00:00", "2026-03-02T09:00:00+00:00"),
        (" 2026-03-02T09:00:00Z ", "2026-03-02T09:00:00+00:00"),
    ],
)
def test_moments_are_read_with_and_without_offset_and_with_seven_digits(text, expected):
    assert moment(text).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", 7, None, "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00", "1999-12-31T00:00:00Z", "1" * 400],
)
def test_what_is_no_plausible_moment_is_none(text):
    assert moment(text) is None


def test_an_id_is_taken_whole_or_not_at_all():
    assert identifier(" x ") == "x"
    assert identifier(7) == "7"
    assert identifier("é" * 300, most_bytes=300) == ""
    assert {identifier(value) for value in ("x" * 601, "a\nb", "\ud800", True, 1.5, None, [])} == {""}


def test_a_label_is_cut_and_cleaned():
    assert label("a" * 400, most=10) == "a" * 10
    assert label("a\x00\udc00") == "a\ufffd\ufffd"
    assert label(12) == "12"
    assert {label(value) for value in (1.5, None, True, [], {})} == {""}


def test_numbers_come_in_several_types():
    facts = Fields({"a": "16000", "b": 15000.0, "c": True, "d": "x", "e": 10**400, "f": float("nan"), "g": -1})
    assert [facts.whole(name, most=10**9) for name in "abcdefgh"] == [16_000, 15_000, *[None] * 6]


def test_an_address_is_taken_whole_or_not_at_all():
    facts = Fields({"a": "https://x/y", "b": "https://x/ y", "c": "x" * 4_001, "d": 7, "e": "a\nb"})
    assert [facts.url(name) for name in "abcde"] == ["https://x/y", "", "", "", ""]


def test_names_are_found_in_any_case():
    assert said(builders.call_started() | {"specVersion": "1.0"}).call.server_call_id == "call-1"
    envelope = envelopes.open_envelope({"specVersion": "1.0"})
    assert envelope.schema == "cloudevents"


def test_a_lone_chunk_outside_a_list_is_a_list_of_one():
    event = builders.file_event()
    event["data"]["recordingStorageInfo"]["recordingChunks"] = builders.chunk()
    assert len(said(event).chunks) == 1


@pytest.mark.parametrize(
    ("subject", "ids"),
    [
        ("/recording/call/c", ("c", "", "")),
        ("/recording/call/c/recordingId/r", ("c", "", "r")),
        ("/recording/call/c/serverCallId/s", ("c", "s", "")),
        ("/recording/call/c/serverCallId/s/recordingId/r", ("c", "s", "r")),
        ("recording/CALL/c/servercallid/a/b==/RecordingId/r=", ("c", "a/b==", "r=")),
        ("", ("", "", "")),
    ],
)
def test_every_generation_of_the_subject_is_read(subject, ids):
    event = said(builders.file_event() | {"subject": subject})
    assert (event.call_id, event.server_call_id, event.recording_id) == ids


def test_ids_in_the_data_outrank_the_subject():
    event = builders.file_event()
    event["data"] |= {"recordingId": "r2", "storageType": "AzureBlob"}
    assert said(event).recording_id == "r2"


def test_content_and_channel_of_2021_are_swapped_back():
    event = builders.file_event()
    event["data"] |= {"recordingContentType": "mixed", "recordingChannelType": "audioVideo"}
    kinds = said(event).kinds
    assert (kinds.content_type, kinds.channel_type) == ("audioVideo", "mixed")


def test_an_unknown_word_for_a_kind_is_kept():
    event = builders.file_event()
    event["data"]["recordingFormatType"] = "ogg"
    assert said(event).kinds.format_type == "ogg"


def test_a_type_of_another_family_is_other():
    assert isinstance(said(builders.call_started() | {"type": "Contoso.CallStarted"}), messages.Other)


def test_an_event_without_a_type_is_misunderstood():
    with pytest.raises(Misunderstood, match="no type"):
        said({"id": "1"})
