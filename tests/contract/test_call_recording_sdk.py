"""azure-communication-callautomation, every recording operation."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from azure.communication.callautomation import (
    CallAutomationClient,
    ChannelAffinity,
    CommunicationUserIdentifier,
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
)
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.eventgrid import EventGridConsumerClient

from tests.embedded import LocalAcs, eventually, new_key

Connect = Callable[[str, str], CallAutomationClient]
AUDIO = {
    "recording_content_type": RecordingContent.AUDIO,
    "recording_channel_type": RecordingChannel.MIXED,
    "recording_format_type": RecordingFormat.MP3,
}


def recorded_chunk(
    acs: LocalAcs, automation: CallAutomationClient, consumer: EventGridConsumerClient
) -> dict[str, object]:
    """Record a second of a new call; the chunk its event announces."""
    started = automation.start_recording(server_call_id=acs.call()["serverCallId"], **AUDIO)
    time.sleep(1)
    automation.stop_recording(started.recording_id)

    def look() -> dict[str, object] | None:
        found = None
        for detail in consumer.receive(max_events=100, max_wait_time=10):
            consumer.acknowledge(lock_tokens=[detail.broker_properties.lock_token])
            if started.recording_id in (detail.event.subject or ""):
                found = detail.event
        return found and found.data["recordingStorageInfo"]["recordingChunks"][0]

    return eventually(look, seconds=60, what="the file event")


def test_start_state_pause_resume_stop(acs: LocalAcs, automation: CallAutomationClient) -> None:
    started = automation.start_recording(server_call_id=acs.call()["serverCallId"], **AUDIO)
    states = [started.recording_state]
    automation.pause_recording(started.recording_id)
    states.append(automation.get_recording_properties(started.recording_id).recording_state)
    automation.resume_recording(started.recording_id)
    states.append(automation.get_recording_properties(started.recording_id).recording_state)
    assert states == ["active", "inactive", "active"]
    automation.stop_recording(started.recording_id)
    with pytest.raises(ResourceNotFoundError) as gone:
        automation.stop_recording(started.recording_id)
    assert gone.value.error.code == "8522"


def test_every_way_to_name_a_call(acs: LocalAcs, automation: CallAutomationClient) -> None:
    for room, named in enumerate(({"server_call_id": "serverCallId"}, {"group_call_id": "groupCallId"},
                                  {"room_id": "roomId"}, {"call_connection_id": "callConnectionId"})):  # fmt: skip
        call = acs.management("POST", "/local/calls", {"roomId": f"contract-{room}"}).json()
        ((keyword, field),) = named.items()
        started = automation.start_recording(**{keyword: call[field]}, **AUDIO)
        automation.stop_recording(started.recording_id)


def test_unmixed_with_channels_and_a_paused_start(acs: LocalAcs, automation: CallAutomationClient) -> None:
    call = acs.call("Ana Silva", "Bo Chen")
    people = [CommunicationUserIdentifier(person["participantId"]) for person in call["participants"]]
    started = automation.start_recording(
        server_call_id=call["serverCallId"],
        recording_content_type=RecordingContent.AUDIO,
        recording_channel_type=RecordingChannel.UNMIXED,
        recording_format_type=RecordingFormat.WAV,
        audio_channel_participant_ordering=people,
        channel_affinity=[ChannelAffinity(target_participant=people[0], channel=0)],
        pause_on_start=True,
        recording_state_callback_url="http://127.0.0.1:9/callback",
    )
    assert started.recording_state == "inactive"
    automation.stop_recording(started.recording_id)


@pytest.mark.parametrize(
    ("problem", "code"), [("unknown call", "8527"), ("started twice", "8559"), ("relative callback", "BadRequest")]
)
def test_refusals_reach_the_client_with_their_code(
    acs: LocalAcs, automation: CallAutomationClient, problem: str, code: str
) -> None:
    server_call_id = "bm9uZQ" if problem == "unknown call" else acs.call()["serverCallId"]
    callback = "relative" if problem == "relative callback" else None
    if problem == "started twice":
        automation.start_recording(server_call_id=server_call_id, **AUDIO)
    with pytest.raises(HttpResponseError) as refused:
        automation.start_recording(server_call_id=server_call_id, recording_state_callback_url=callback, **AUDIO)
    assert (refused.value.status_code, refused.value.error.code) == (400, code)


def test_a_wrong_key_is_an_authentication_error(acs: LocalAcs, connect: Connect) -> None:
    with pytest.raises(ClientAuthenticationError):
        connect(acs.endpoint, new_key()).stop_recording("x")


def test_download_metadata_and_delete(
    acs: LocalAcs, automation: CallAutomationClient, consumer: EventGridConsumerClient, tmp_path: Path
) -> None:
    chunk = recorded_chunk(acs, automation, consumer)
    whole = b"".join(automation.download_recording(chunk["contentLocation"]).iter_bytes())
    assert whole[:3] == b"ID3" or whole[0] == 0xFF
    part = automation.download_recording(chunk["contentLocation"], offset=5, length=10)
    assert (part.status_code, b"".join(part.iter_bytes())) == (206, whole[5:15])
    metadata = json.loads(b"".join(automation.download_recording(chunk["metadataLocation"]).iter_bytes()))
    assert metadata["chunkDocumentId"] == chunk["documentId"]
    automation.delete_recording(chunk["deleteLocation"])
    with pytest.raises(ResourceNotFoundError):
        automation.download_recording(chunk["contentLocation"])
    with pytest.raises(ResourceNotFoundError):
        automation.delete_recording(chunk["deleteLocation"])


def test_an_endpoint_with_a_trailing_slash_signs_that_slash_and_is_accepted(acs: LocalAcs, connect: Connect) -> None:
    with pytest.raises(ResourceNotFoundError):
        connect(acs.endpoint + "/", acs.access_key).get_recording_properties("bm9uZQ")
