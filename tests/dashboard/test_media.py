"""The bytes: ranges as browsers and curl ask for them, with limits of their own for playing and downloading."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from dashboard.access import Verb
from dashboard.views import media
from recordings import storage
from recordings.models import MediaFile
from recordings.states import MediaState, RecordingState
from tests.dashboard import cast
from tests.dashboard.conftest import signed_in

BODY = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
def file(db) -> MediaFile:
    chunk = cast.secured(cast.recording(RecordingState.ENDED))
    row = chunk.files.get(artefact="media")
    storage.archive().save(row.archive_key, ContentFile(BODY))
    row.size, row.sha256 = len(BODY), hashlib.sha256(BODY).hexdigest()
    row.save()
    return row


def begin(browser, name: str, file: MediaFile, **headers: str):
    """An answer of which nothing has been read yet."""
    return browser.get(reverse(name, args=[file.pk]), headers={key.replace("_", "-"): v for key, v in headers.items()})


def get(browser, name: str, file: MediaFile, **headers: str):
    answer = begin(browser, name, file, **headers)
    answer.bytes = body(answer)
    return answer


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize("name", ["play", "download"])
def test_the_whole_file(desk, file, name):
    answer = get(desk, name, file)
    assert answer.status_code == 200
    assert answer["Content-Length"] == str(len(BODY))
    assert answer["Accept-Ranges"] == "bytes"
    assert answer.bytes == BODY


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=5-14", (5, 14)),
        ("bytes=-3", (len(BODY) - 3, len(BODY) - 1)),
        ("bytes=9-99999999", (9, len(BODY) - 1)),
    ],
)
@pytest.mark.parametrize("name", ["play", "download"])
def test_a_part(desk, file, name, asked, place):
    start, end = place
    answer = get(desk, name, file, Range=asked)
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {start}-{end}/{len(BODY)}"
    assert answer["Content-Length"] == str(end - start + 1)
    assert answer.bytes == BODY[start : end + 1]


def test_the_player_gets_an_open_end_in_pieces(desk, file):
    answer = get(desk, "play", file, Range="bytes=100-")
    assert answer["Content-Range"] == f"bytes 100-{100 + media.PLAY_BLOCK_BYTES - 1}/{len(BODY)}"
    assert len(answer.bytes) == media.PLAY_BLOCK_BYTES


def test_a_download_is_resumed_to_its_end(desk, file):
    answer = get(desk, "download", file, Range="bytes=100-")
    assert answer.bytes == BODY[100:]


def test_a_range_beyond_the_end_is_refused(desk, file):
    answer = get(desk, "play", file, Range=f"bytes={len(BODY)}-")
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(BODY)}"


@pytest.mark.parametrize("asked", ["bytes=None", "bytes=5", "items=0-1", "bytes=0-1,4-5"])
def test_a_range_that_makes_no_sense_is_ignored(desk, file, asked):
    assert get(desk, "play", file, Range=asked).status_code == 200


def test_if_range_holds_for_the_same_bytes_only(desk, file):
    assert get(desk, "play", file, Range="bytes=0-9", If_Range=f'"{file.sha256}"').status_code == 206
    assert get(desk, "play", file, Range="bytes=0-9", If_Range='"other"').status_code == 200


def test_known_bytes_are_not_sent_again(desk, file):
    answer = get(desk, "play", file, If_None_Match=f'"{file.sha256}"')
    assert answer.status_code == 304
    assert answer["ETag"] == f'"{file.sha256}"'


def test_head_tells_the_size_and_sends_nothing(desk, file):
    answer = desk.head(reverse("download", args=[file.pk]))
    assert answer.status_code == 200
    assert answer["Content-Length"] == str(len(BODY))
    assert answer.content == b""
    part = desk.head(reverse("play", args=[file.pk]), headers={"Range": "bytes=0-9"})
    assert part.status_code == 206
    assert part["Content-Length"] == "10"


def test_only_media_is_shown_by_the_browser(desk, file):
    answer = get(desk, "play", file)
    assert answer["Content-Type"] == "video/mp4"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    MediaFile.objects.filter(pk=file.pk).update(media_type="text/html")
    assert get(desk, "play", file)["Content-Type"] == "application/octet-stream"


def test_a_download_has_a_name_that_says_what_it_is(desk, file):
    began = file.chunk.recording.began_at
    name = get(desk, "download", file)["Content-Disposition"]
    assert name.startswith(f'attachment; filename="recording-{began:%Y%m%d-%H%M%S}-')
    assert name.endswith('-chunk-0.mp4"')


def test_playing_and_downloading_are_two_permissions(file):
    player = signed_in(cast.user("pia", verbs=(Verb.VIEW, Verb.PLAY)))
    keeper = signed_in(cast.user("kim", verbs=(Verb.VIEW, Verb.DOWNLOAD)))
    assert [get(player, name, file).status_code for name in ("play", "download")] == [200, 403]
    assert [get(keeper, name, file).status_code for name in ("play", "download")] == [403, 200]


@pytest.mark.parametrize("name", ["play", "download"])
def test_what_is_not_archived_is_not_here(desk, file, name):
    MediaFile.objects.filter(pk=file.pk).update(state=MediaState.FAILED)
    answer = get(desk, name, file)
    assert answer.status_code == 404
    assert "its state is “Failed”" in answer.content.decode()


@pytest.mark.parametrize("name", ["play", "download"])
def test_an_object_that_vanished_is_a_404_and_keeps_no_slot(desk, file, name):
    storage.archive().delete(file.archive_key)
    for _ in range(media.DOWNLOADS_AT_ONCE + 2):
        answer = get(desk, name, file)
        assert answer.status_code == 404
    text = answer.content.decode()
    assert "cannot be read from the archive" in text
    assert "its state is" not in text


def test_one_download_too_many_is_asked_to_come_back(desk, file):
    held = [begin(desk, "download", file) for _ in range(media.DOWNLOADS_AT_ONCE)]
    refused = get(desk, "download", file)
    assert refused.status_code == 503
    assert refused["Retry-After"] == "10"
    assert get(desk, "play", file).status_code == 200
    assert [body(answer) for answer in held] == [BODY] * len(held)
    assert get(desk, "download", file).bytes == BODY


def test_pages_are_compressed_and_media_is_not(desk, file):
    for _ in range(5):
        cast.recording()
    zipped = {"Accept-Encoding": "gzip"}
    assert desk.get("/", headers=zipped)["Content-Encoding"] == "gzip"
    answer = get(desk, "download", file, Accept_Encoding="gzip")
    assert not answer.has_header("Content-Encoding")
    assert answer.bytes == BODY
