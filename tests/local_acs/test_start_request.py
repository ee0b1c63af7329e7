"""StartCallRecordingRequest: what is read from it and what is refused."""

import pytest

from local_acs.problems import Problem
from local_acs.start_request import CallReference, parse_start

LOCATOR = {"callLocator": {"kind": "serverCallLocator", "serverCallId": "abc"}}


def user(name: str) -> dict[str, object]:
    return {"communicationUser": {"id": name}}


def test_nothing_asked_for_means_mixed_audio_and_video_as_mp4() -> None:
    nulls = {"recordingContentType": None, "recordingChannelType": None, "recordingFormatType": None}
    request = parse_start({**LOCATOR, **nulls})
    assert (request.content, request.channel, request.format) == ("audioVideo", "mixed", "mp4")
    assert request.call == CallReference("serverCallId", "abc")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"recordingFormatType": "mp3"}, ("audio", "mixed", "mp3")),
        ({"recordingFormatType": "wav"}, ("audio", "mixed", "wav")),
        ({"recordingContentType": "audio"}, ("audio", "mixed", "mp3")),
        ({"recordingChannelType": "unmixed"}, ("audio", "unmixed", "wav")),
        ({"recordingContentType": "AUDIOVIDEO"}, ("audioVideo", "mixed", "mp4")),
    ],
)
def test_a_part_asked_for_completes_itself(asked: dict[str, str], expected: tuple[str, str, str]) -> None:
    request = parse_start({**LOCATOR, **asked})
    assert (request.content, request.channel, request.format) == expected


def test_channels_go_to_pinned_people_first_and_then_in_the_order_given() -> None:
    request = parse_start(
        {
            **LOCATOR,
            "recordingChannelType": "unmixed",
            "audioChannelParticipantOrdering": [user("a"), {"rawId": "b"}, {"phoneNumber": {"value": "+1"}}],
            "channelAffinity": [{"channel": 1, "participant": user("b")}, {"channel": 4, "participant": user("z")}],
        }
    )
    assert request.channel_order == ("a", "b", "+1", "", "z")


def test_the_empty_affinity_of_the_python_sdk_is_nothing() -> None:
    assert parse_start({**LOCATOR, "channelAffinity": []}).channel_order == ()


@pytest.mark.parametrize(
    "storage",
    [
        {"recordingStorageKind": "azureCommunicationServices"},
        {"recordingStorageKind": "azureBlobStorage", "recordingDestinationContainerUrl": "https://a.example/c"},
    ],
)
def test_known_storage_kinds_are_accepted(storage: dict[str, str]) -> None:
    assert parse_start({**LOCATOR, "externalStorage": storage}).call.value == "abc"


@pytest.mark.parametrize("uri", ["https://a.example/x?secret=1", "http://127.0.0.1:9/cb", None])
def test_absolute_callback_uris_are_accepted(uri: str | None) -> None:
    assert parse_start({**LOCATOR, "recordingStateCallbackUri": uri}).callback_uri == uri


@pytest.mark.parametrize("uri", ["", "relative", "/x", "http://", "http://[", "ftp://a.example/", "http://a:99999/"])
def test_other_callback_uris_are_bad_requests(uri: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_start({**LOCATOR, "recordingStateCallbackUri": uri})
    assert (refused.value.status, refused.value.code, refused.value.message) == (400, "BadRequest", "")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**LOCATOR, "callConnectionId": "x"},
        {"callLocator": "abc"},
        {"callLocator": {}},
        {"callLocator": {"kind": "carrierPigeon", "serverCallId": "x"}},
        {"callLocator": {"kind": "serverCallLocator"}},
        {"callLocator": {"kind": "serverCallLocator", "serverCallId": 7}},
        {"callLocator": {"serverCallId": "a", "groupCallId": "b"}},
        {**LOCATOR, "recordingContentType": "smell"},
        {**LOCATOR, "recordingContentType": 5},
        {**LOCATOR, "pauseOnStart": "yes"},
        {**LOCATOR, "recordingStateCallbackUri": 5},
        {**LOCATOR, "externalStorage": "blob"},
        {**LOCATOR, "externalStorage": {}},
        {**LOCATOR, "externalStorage": {"recordingStorageKind": "azureBlobStorage"}},
        {**LOCATOR, "channelAffinity": {}},
        {**LOCATOR, "channelAffinity": [{"channel": 0, "participant": user("a")}]},
        {**LOCATOR, "recordingChannelType": "unmixed", "channelAffinity": [5]},
        {**LOCATOR, "recordingChannelType": "unmixed", "channelAffinity": [{"channel": True}]},
        {**LOCATOR, "recordingChannelType": "unmixed", "channelAffinity": [{"channel": 5, "participant": user("a")}]},
        {**LOCATOR, "audioChannelParticipantOrdering": ["a"]},
        {**LOCATOR, "audioChannelParticipantOrdering": [{"kind": "unknown"}]},
    ],
)
def test_what_cannot_be_understood_answers_400_8523(document: dict[str, object]) -> None:
    with pytest.raises(Problem) as refused:
        parse_start(document)
    assert (refused.value.status, refused.value.code) == (400, "8523")


def test_a_locator_without_a_kind_is_understood_by_its_field() -> None:
    assert parse_start({"callLocator": {"groupCallId": "g"}}).call == CallReference("groupCallId", "g")
