"""Temporary storage: download whole and in parts, metadata, deletion."""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.embedded import LocalAcs
from tests.local_acs.recorded import Stored, client, stored_recording


@pytest.fixture
def http(acs: LocalAcs) -> httpx.Client:
    return client(acs)


def test_the_whole_file_is_sent_with_length_and_type(http: httpx.Client, stored: Stored) -> None:
    answer = http.get(stored.media)
    assert answer.status_code == 200
    assert answer.content == stored.media_file.read_bytes()
    assert answer.headers["content-type"] == "audio/wav"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("header", ["bytes=5-14", "bytes=5-", "bytes=-7", "bytes=0-0"])
def test_a_range_is_answered_with_206_and_those_bytes(http: httpx.Client, stored: Stored, header: str) -> None:
    whole = stored.media_file.read_bytes()
    answer = http.get(stored.media, headers={"Range": header})
    assert answer.status_code == 206
    first, last, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers["content-range"]).groups())
    assert size == len(whole)
    assert answer.content == whole[first : last + 1]


@pytest.mark.parametrize("header", ["bytes=None", "bytes=5", "bytes=undefined", "bytes=0-1,4-5", "nonsense"])
def test_what_is_no_range_is_ignored(http: httpx.Client, stored: Stored, header: str) -> None:
    answer = http.get(stored.media, headers={"Range": header})
    assert answer.status_code == 200
    assert len(answer.content) == stored.media_file.stat().st_size


def test_a_range_behind_the_end_answers_416_with_the_size(http: httpx.Client, stored: Stored) -> None:
    size = stored.media_file.stat().st_size
    answer = http.get(stored.media, headers={"Range": f"bytes={size}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{size}"
    assert answer.json()["status"] == 416


@pytest.mark.parametrize(("validator", "status"), [("etag", 206), ("last-modified", 206), ("other", 200)])
def test_a_range_counts_while_if_range_names_the_file(
    http: httpx.Client, stored: Stored, validator: str, status: int
) -> None:
    named = http.head(stored.media).headers.get(validator, '"another"')
    answer = http.get(stored.media, headers={"Range": "bytes=1-2", "If-Range": named})
    assert answer.status_code == status


def test_an_unreadable_if_range_date_means_the_whole_file(http: httpx.Client, stored: Stored) -> None:
    answer = http.get(stored.media, headers={"Range": "bytes=1-2", "If-Range": "Mon, 99 Foo 2026 00:00:00 GMT"})
    assert answer.status_code == 200


def test_head_tells_the_length_without_the_bytes(http: httpx.Client, stored: Stored) -> None:
    answer = http.head(stored.media)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == stored.media_file.stat().st_size


def test_metadata_is_json_sent_as_octets_and_names_its_document(http: httpx.Client, stored: Stored) -> None:
    answer = http.get(stored.metadata)
    assert answer.headers["content-type"] == "application/octet-stream"
    document = json.loads(answer.content)
    assert document["chunkDocumentId"] == stored.document_id
    assert document["recordingInfo"]["format"] == "wav"
    assert len(document["participants"]) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/objects/0-eus-d1-0123456789abcdef0123456789abcdef/content/video", 404),
        ("/v1/objects/../../etc/passwd/content/video", 404),
        ("/v1/objects/..%2f..%2fetc/content/video", 404),
        ("/v1/objects/nonsense/content/video", 400),
    ],
)
def test_an_unknown_object_answers_404_and_a_malformed_id_400(http: httpx.Client, path: str, status: int) -> None:
    assert http.get(path).status_code == status


def test_unknown_content_of_a_known_object_answers_404(http: httpx.Client, stored: Stored) -> None:
    assert http.get(stored.media.replace("video", "thumbnail")).status_code == 404


@pytest.mark.parametrize("place", ["", "/content/deletedata"])
def test_deletion_removes_media_and_metadata_for_everybody_and_from_the_disk(acs: LocalAcs, place: str) -> None:
    http, stored = client(acs), stored_recording(acs, seconds=0.3)
    removed = http.delete(stored.remove + place)
    assert (removed.status_code, removed.content) == (200, b"")
    assert http.get(stored.media).status_code == 404
    assert http.get(stored.metadata).status_code == 404
    assert http.delete(stored.remove).status_code == 404
    assert not stored.folder.exists()


def test_a_file_that_vanished_from_the_disk_answers_404(acs: LocalAcs) -> None:
    stored = stored_recording(acs, seconds=0.3)
    stored.media_file.unlink()
    assert client(acs).get(stored.media).status_code == 404


def test_a_large_file_is_streamed_without_being_held_in_memory(start_acs: Callable[..., LocalAcs]) -> None:
    acs = start_acs()
    stored = stored_recording(acs, seconds=0.3)
    size = 400 * 1024 * 1024
    os.truncate(stored.media_file, size)
    before = psutil.Process(acs.pid).memory_info().rss
    got, most, digest, started = 0, 0, hashlib.sha256(), time.monotonic()
    with client(acs).stream("GET", stored.media, headers={"Range": "bytes=100-"}) as answer:
        for number, part in enumerate(answer.iter_raw(1 << 20)):
            got += len(part)
            if number % 20 == 0:
                most = max(most, psutil.Process(acs.pid).memory_info().rss)
                digest.update(part[:1])
    assert got == size - 100
    assert most - before < 60 * 1024 * 1024
    assert got / (time.monotonic() - started) > 10 * 1024 * 1024


def test_a_client_that_hangs_up_costs_nothing_more(start_acs: Callable[..., LocalAcs]) -> None:
    acs = start_acs()
    stored = stored_recording(acs, seconds=0.3)
    os.truncate(stored.media_file, 20 * 1024**3)
    process = psutil.Process(acs.pid)
    with client(acs).stream("GET", stored.media) as answer:
        next(answer.iter_raw(1024))
    read = process.io_counters().read_chars
    time.sleep(1)
    assert process.io_counters().read_chars - read < 20 * 1024**2


def test_a_file_that_shrinks_under_way_never_looks_complete(start_acs: Callable[..., LocalAcs]) -> None:
    acs = start_acs()
    stored = stored_recording(acs, seconds=0.3)
    os.truncate(stored.media_file, 50 * 1024**2)
    acs.management("POST", "/local/faults", {"fault": "slow-transfer", "bytesPerSecond": 5 * 1024**2})
    with client(acs).stream("GET", stored.media) as answer:
        parts = answer.iter_raw(1024)
        next(parts)
        os.truncate(stored.media_file, 0)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            list(parts)
