"""A host where something is wrong holds up the files that lie there, and no others."""

from datetime import timedelta

import pytest

from recordings import clock
from recordings.models import Condition, MediaFile
from recordings.pipeline import claims, retrieve
from recordings.states import MediaState, RecordingState
from tests import rows
from tests.recordings.content_server import Behaviour, ContentHost

pytestmark = pytest.mark.django_db(transaction=True)

FAILING = 2 * claims.SLOTS


@pytest.fixture
def bad_host(settings):
    with ContentHost() as running:
        settings.ACS_CONTENT_HOSTS = (running.endpoint.removeprefix("http://"),)
        yield running


@pytest.fixture
def failing(scene, bad_host) -> list[MediaFile]:
    """More files than there are slots, at a host that refuses each, all to expire before those of the scene."""
    files = []
    for number in range(FAILING):
        recording = rows.recording(RecordingState.ENDED, resource=scene.resource)
        document = f"0-eus-d1-{number:032x}"
        location = bad_host.put(f"/v1/objects/{document}/content/video", b"x", *[Behaviour(status=403)] * 9)
        columns = {"document_id": document, "content_location": location}
        chunk = rows.chunk(recording, expires_at=clock.now() + timedelta(hours=1), **columns)
        chunk.files.filter(artefact="metadata").delete()
        files.append(chunk.files.get())
    return files


def work(turns: int) -> None:
    """What the workers do in so many turns, one file after the other; offers that were taken are not waited for."""
    for _ in range(turns):
        for pk in claims.offers():
            attempt = claims.claim(MediaFile.objects.get(pk=pk))
            if attempt:
                retrieve.retrieve(attempt)
        MediaFile.objects.update(offered_at=None)


def states_of(*files: MediaFile) -> set[str]:
    return set(MediaFile.objects.filter(pk__in=[file.pk for file in files]).values_list("state", flat=True))


def probe_now() -> None:
    Condition.objects.update(probe_at=clock.now() - timedelta(seconds=1))


def test_files_elsewhere_go_on_beside_a_host_that_refuses_every_file(scene, failing):
    work(turns=3)
    assert states_of(scene.media, scene.metadata) == {MediaState.RETRIEVED}
    assert claims.offers() == []


def test_files_elsewhere_go_on_beside_a_host_that_is_away(scene, failing, bad_host):
    bad_host.__exit__()
    work(turns=3)
    assert states_of(scene.media, scene.metadata) == {MediaState.RETRIEVED}
    assert Condition.objects.open().get().kind == Condition.Kind.UNREACHABLE


def test_a_file_that_was_refused_waits_before_it_is_tried_again(scene, failing):
    work(turns=1)
    refused = MediaFile.objects.filter(state=MediaState.FAILED)
    assert refused
    assert all(file.next_attempt_at > clock.now() for file in refused)


def test_a_held_host_gets_one_file_at_a_time(scene, failing):
    work(turns=3)
    probe_now()
    MediaFile.objects.update(next_attempt_at=None)
    (probe,) = claims.offers()
    assert claims.offers() == []
    assert claims.claim(MediaFile.objects.get(pk=probe))
    MediaFile.objects.update(offered_at=None)
    assert claims.offers() == []
    others = [file for file in failing if file.pk != probe]
    assert [claims.claim(file) for file in others] == [None] * len(others)


def test_the_probe_is_a_file_that_was_not_refused_yet(scene, failing, bad_host):
    work(turns=3)
    MediaFile.objects.update(next_attempt_at=None)
    probe_now()
    (probe,) = claims.offers()
    assert MediaFile.objects.get(pk=probe).attempt == 0


def test_a_long_download_is_no_probe(scene, failing):
    under_way = claims.claim(failing[0])
    retrieve.retrieve(claims.claim(failing[1]))
    MediaFile.objects.exclude(pk=under_way.media_file_id).update(next_attempt_at=None)
    probe_now()
    probes = [pk for pk in claims.offers() if pk in {file.pk for file in failing}]
    assert len(probes) == 1


def test_two_hosts_in_trouble_are_two_conditions(scene, failing, bad_host):
    work(turns=1)
    scene.serve(Behaviour(status=403))
    scene.media.refresh_from_db()
    MediaFile.objects.filter(pk=scene.media.pk).update(state=MediaState.FAILED, next_attempt_at=None)
    retrieve.retrieve(claims.claim(MediaFile.objects.get(pk=scene.media.pk)))
    assert len(set(Condition.objects.open().values_list("host", flat=True))) == 2


def test_a_file_of_2021_lies_at_the_endpoint(scene):
    scene.chunk.content_location = ""
    scene.chunk.save()
    scene.media.refresh_from_db()
    assert claims.place_of(scene.media) == (scene.resource.pk, scene.resource.endpoint.removeprefix("http://"))


def test_a_location_that_cannot_be_read_has_no_host():
    assert claims.host_at("https://host:port/") == ""
