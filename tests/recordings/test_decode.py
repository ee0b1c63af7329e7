"""The full decode finds what a listener or viewer would stumble over, and refuses nothing."""

from pathlib import Path

import pytest
from django.core.files.storage import InMemoryStorage
from django.db.models import F

from recordings.models import MediaFile, Recording
from recordings.pipeline import archive, claims, decode, leases, retrieve
from recordings.states import MediaState
from tests.recordings import media

pytestmark = pytest.mark.django_db(transaction=True)


def secure(scene, body: bytes) -> MediaFile:
    scene.serve(body=body)
    for _ in range(2):  # doubtful bytes are believed when they come twice
        MediaFile.objects.filter(pk=scene.media.pk).update(next_attempt_at=None)
        if retrieve.retrieve(claims.claim(scene.media)) == MediaState.RETRIEVED:
            break
    assert archive.archive(scene.media)
    scene.media.refresh_from_db()
    return scene.media


def findings(scene, body: bytes) -> str:
    file = secure(scene, body)
    assert decode.decode(file)
    file.refresh_from_db()
    assert (file.state, file.decoded_at is not None) == (MediaState.ARCHIVED, True)
    return " ".join(file.findings)


def test_a_good_recording_has_no_such_findings(scene, tmp_path):
    told = findings(scene, media.mp4(tmp_path / "a.mp4").read_bytes())
    assert "silent" not in told
    assert "black" not in told
    assert decode.BROKEN not in told


@pytest.mark.parametrize(("make", "name"), [(media.mp4, "a.mp4"), (media.mp3, "a.mp3"), (media.wav, "a.wav")])
def test_silence_is_found_in_every_format(scene, tmp_path, make, name):
    quiet = {"sound": "silent"} if make is media.mp4 else {"kind": "silent"}
    assert "silent from beginning to end" in findings(scene, make(tmp_path / name, **quiet).read_bytes())


def test_a_black_picture_is_found(scene, tmp_path):
    assert "black from beginning to end" in findings(scene, media.mp4(tmp_path / "a.mp4", picture="black").read_bytes())


def test_damage_in_the_middle_is_found(scene, tmp_path):
    body = bytearray(media.mp4(tmp_path / "a.mp4", seconds=8.0, sound="none").read_bytes())
    start = body.index(b"mdat") + 4
    middle = start + (len(body) - start) // 2
    body[middle : middle + 2000] = b"\xff" * 2000
    assert decode.BROKEN in findings(scene, bytes(body))


def test_a_duration_that_the_metadata_contradicts_is_found(scene, tmp_path):
    scene.chunk.duration_ms = 90_000
    scene.chunk.save()
    assert "stated was 90.0 s" in findings(scene, media.mp4(tmp_path / "a.mp4").read_bytes())


def test_what_was_said_of_the_duration_before_is_said_anew(scene, tmp_path):
    Recording.objects.update(duration_ms=60_000)
    file = secure(scene, media.mp4(tmp_path / "a.mp4").read_bytes())
    assert "stated was 60.0 s" in " ".join(file.findings)
    Recording.objects.update(duration_ms=3_000)
    decode.decode(file)
    file.refresh_from_db()
    assert "stated was" not in " ".join(file.findings)


def test_a_file_is_decoded_once(secured):
    assert [file.pk for file in decode.pending(5)] == [secured.media.pk]
    assert decode.decode(secured.media)
    assert not decode.decode(secured.media)
    assert not decode.pending(5)


def test_a_file_that_another_worker_decodes_is_left_to_it(secured):
    MediaFile.objects.filter(pk=secured.media.pk).update(lease_until="2999-01-01T00:00:00Z")
    assert not decode.decode(secured.media)


def test_a_file_that_broke_in_the_archive_is_told(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\x00" * 5000)
    assert decode.measure(path, tick=lambda: None).error


def changing_shape(folder: Path) -> Path:
    """An MP3 that is mono at first and stereo from the middle on."""
    parts = [media.mp3(folder / f"{layout}.mp3", layout=layout) for layout in ("mono", "stereo")]
    path = folder / "a.mp3"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def test_audio_that_changes_its_shape_is_decoded_to_its_end(tmp_path):
    measured = decode.measure(changing_shape(tmp_path), tick=lambda: None)
    assert not measured.error
    assert measured.seconds > 5.5
    assert measured.loudest > decode.SILENT_BELOW


def test_two_audio_streams_of_different_layout_are_both_decoded(tmp_path):
    path = tmp_path / "a.mp4"
    media.two_streams(path)
    measured = decode.measure(path, tick=lambda: None)
    assert (measured.error, len(measured.starts)) == ("", 2)


def test_a_file_that_kills_its_workers_is_not_decoded_for_ever(secured):
    for _ in range(decode.MOST_DECODES):
        MediaFile.objects.filter(decode._free(), pk=secured.media.pk).update(decodes_begun=F("decodes_begun") + 1)
    assert decode.decode(secured.media)
    secured.media.refresh_from_db()
    assert secured.media.decoded_at
    assert decode.BROKEN_OFF in " ".join(secured.media.findings)
    assert not decode.pending(5)


def test_a_decode_that_was_told_to_stop_does_not_count(secured):
    leases.stopping.set()
    try:
        assert not decode.decode(secured.media)
    finally:
        leases.stopping.clear()
    secured.media.refresh_from_db()
    assert (secured.media.decodes_begun, secured.media.decoded_at) == (0, None)
    assert decode.decode(secured.media)


class Away(InMemoryStorage):
    """An archive that cannot be read."""

    def _open(self, name: str, mode: str = "rb") -> None:
        raise OSError(5, "Input/output error")


def test_an_archive_that_cannot_be_read_is_no_fault_of_the_file(secured, settings):
    settings.STORAGES = settings.STORAGES | {"archive": {"BACKEND": f"{__name__}.Away"}}
    assert not decode.decode(secured.media)
    secured.media.refresh_from_db()
    assert (secured.media.decodes_begun, secured.media.decoded_at) == (0, None)
    assert decode.BROKEN_OFF not in " ".join(secured.media.findings)
    assert not decode.pending(5)


def test_a_copy_that_is_not_there_is_looked_for_again_later(secured, settings):
    Path(settings.ARCHIVE_DIR, secured.media.archive_key).unlink()
    assert not decode.decode(secured.media)
    secured.media.refresh_from_db()
    assert secured.media.decoded_at is None
