"""Getting a file from temporary storage, whatever the service does."""

import hashlib
from datetime import timedelta

import pytest

from recordings import clock
from recordings.models import Condition, MediaFile
from recordings.pipeline import claims, retrieve
from recordings.states import AttemptOutcome, MediaState
from tests.recordings.content_server import Behaviour

pytestmark = pytest.mark.django_db(transaction=True)


def attempt(file: MediaFile) -> MediaState:
    """One claimed attempt, due or not."""
    MediaFile.objects.filter(pk=file.pk).update(next_attempt_at=None)
    claimed = claims.claim(file)
    assert claimed
    state = retrieve.retrieve(claimed)
    file.refresh_from_db()
    return state


def outcomes(file: MediaFile) -> list[str]:
    return list(file.attempts.order_by("number").values_list("outcome", flat=True))


def test_a_file_arrives_whole(scene, spool):
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert (spool / scene.media.spool_name).read_bytes() == scene.body
    assert scene.media.sha256 == hashlib.sha256(scene.body).hexdigest()
    assert (scene.media.size, scene.media.media_type) == (len(scene.body), "video/mp4")


def test_metadata_arrives_whole(scene):
    assert attempt(scene.metadata) == MediaState.RETRIEVED
    assert scene.metadata.media_type == "application/json"


def test_the_attempt_has_a_row_that_says_how_it_went(scene):
    attempt(scene.media)
    row = scene.media.attempts.get()
    assert (row.outcome, row.http_status, row.bytes_received) == (AttemptOutcome.SUCCEEDED, 200, len(scene.body))
    assert row.total == len(scene.body)
    assert row.finished_at


def test_a_broken_transfer_goes_on_within_the_attempt(scene):
    scene.serve(Behaviour(cut=9000), Behaviour(cut=9000))
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert scene.media.attempts.get().interruptions == 2
    assert scene.media.sha256 == hashlib.sha256(scene.body).hexdigest()


def test_a_later_attempt_takes_over_what_an_earlier_one_brought(scene):
    scene.serve(Behaviour(cut=9000), Behaviour(status=503))
    assert attempt(scene.media) == MediaState.FAILED
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert scene.media.attempts.get(number=2).resumed_from > 0
    assert scene.media.sha256 == hashlib.sha256(scene.body).hexdigest()


def test_a_server_that_ignores_ranges_is_read_from_the_start(scene):
    scene.serve(Behaviour(cut=9000), Behaviour(ranges=False))
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert scene.media.sha256 == hashlib.sha256(scene.body).hexdigest()


def test_a_changed_file_is_fetched_anew(scene, recorded):
    scene.serve(Behaviour(cut=9000), Behaviour(status=503))
    attempt(scene.media)
    scene.serve(body=recorded, validator='"v2"')
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert scene.media.attempts.get(number=2).resumed_from == 0


def test_a_changed_file_is_noticed_when_the_server_ignores_the_condition(scene, recorded):
    scene.serve(Behaviour(cut=9000), Behaviour(status=503))
    attempt(scene.media)
    scene.serve(Behaviour(honest_range=False), body=recorded, validator='"v2"')
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert scene.media.sha256 == hashlib.sha256(recorded).hexdigest()


def test_a_file_that_shrank_is_fetched_anew(scene, recorded):
    scene.serve(Behaviour(cut=9000), Behaviour(status=503), body=recorded * 2, validator="")
    attempt(scene.media)
    scene.serve(body=recorded[:2000], validator="")
    attempt(scene.media)
    assert scene.host.ranges(scene.media_path)[-2:] != ["", ""]
    assert scene.media.attempts.get(number=2).bytes_received == 2000


def test_a_file_without_a_stated_size_arrives(scene):
    scene.serve(Behaviour(sized=False))
    assert attempt(scene.media) == MediaState.RETRIEVED


def test_what_a_service_without_etags_sent_is_joined_too(scene):
    scene.serve(Behaviour(cut=9000), validator="")
    assert attempt(scene.media) == MediaState.RETRIEVED


def test_an_empty_body_fails_and_says_so(scene):
    scene.serve(Behaviour(body=b""))
    assert attempt(scene.media) == MediaState.FAILED
    assert "empty" in scene.media.error
    assert attempt(scene.media) == MediaState.RETRIEVED


@pytest.mark.parametrize("status", [200, 400])
def test_an_html_page_fails(scene, status):
    scene.serve(Behaviour(status=status, body=b"<html>busy</html>", media_type="text/html"))
    assert attempt(scene.media) == MediaState.FAILED
    assert scene.media.attempts.get().http_status == status
    assert attempt(scene.media) == MediaState.RETRIEVED


def test_an_html_page_that_pretends_to_be_media_is_quarantined_and_kept(scene, spool):
    scene.serve(Behaviour(body=b"<html>busy</html>"))
    assert attempt(scene.media) == MediaState.QUARANTINED
    assert (spool / scene.media.spool_name).read_bytes() == b"<html>busy</html>"
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert [path.name for path in spool.iterdir()] == [scene.media.spool_name]


def test_of_quarantined_bytes_the_longest_are_kept(scene, spool):
    scene.serve(Behaviour(body=b"<html>a longer page</html>"), Behaviour(body=b"<html>"))
    attempt(scene.media)
    attempt(scene.media)
    assert [path.read_bytes() for path in spool.iterdir()] == [b"<html>a longer page</html>"]
    assert outcomes(scene.media) == ["quarantined", "quarantined"]


def test_a_file_that_breaks_off_is_kept_only_when_it_comes_so_twice(scene, recorded):
    scene.serve(body=recorded[: len(recorded) * 2 // 3])
    assert attempt(scene.media) == MediaState.QUARANTINED
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert "same bytes twice" in " ".join(scene.media.findings)


def test_a_truncated_transfer_that_is_whole_the_second_time_leaves_no_finding(scene, recorded):
    scene.serve(Behaviour(body=recorded[: len(recorded) * 2 // 3]))
    assert attempt(scene.media) == MediaState.QUARANTINED
    assert attempt(scene.media) == MediaState.RETRIEVED
    assert "twice" not in " ".join(scene.media.findings)


def test_retry_after_is_heeded(scene):
    scene.serve(Behaviour(status=503, headers={"Retry-After": "120"}))
    assert attempt(scene.media) == MediaState.FAILED
    assert scene.media.next_attempt_at > clock.now() + timedelta(seconds=100)


def test_an_early_404_is_tried_again_soon(scene):
    scene.serve(Behaviour(status=404))
    assert attempt(scene.media) == MediaState.FAILED
    assert scene.media.next_attempt_at < clock.now() + timedelta(seconds=3)
    assert scene.media.attempts.get().http_status == 404


def test_a_refused_key_holds_the_queue_of_the_resource(scene):
    scene.serve(Behaviour(status=401))
    assert attempt(scene.media) == MediaState.FAILED
    assert Condition.objects.open().get().kind == Condition.Kind.CREDENTIALS_REFUSED
    assert claims.claim(scene.metadata) is None
    assert claims.offers() == []


def test_an_unreachable_service_holds_the_queue_and_nothing_is_lost(scene, spool):
    scene.serve(Behaviour(cut=9000), Behaviour(status=503))
    attempt(scene.media)
    before = [path.stat().st_size for path in spool.iterdir()]
    scene.host.__exit__()
    assert attempt(scene.media) == MediaState.FAILED
    assert Condition.objects.open().get().kind == Condition.Kind.UNREACHABLE
    assert clock.now() < scene.media.next_attempt_at < clock.now() + timedelta(seconds=5)
    assert [path.stat().st_size for path in spool.iterdir()] == before


def test_files_of_a_resource_whose_key_is_gone_wait_until_it_is_back(scene, settings):
    settings.ACS_ENDPOINT = "http://elsewhere.test"
    assert (claims.offers(), claims.claim(scene.media)) == ([], None)
    assert not scene.media.attempts.exists()
    settings.ACS_ENDPOINT = scene.resource.endpoint
    assert attempt(scene.media) == MediaState.RETRIEVED


def test_a_key_that_is_taken_away_between_claim_and_request_is_told(scene, settings):
    claimed = claims.claim(scene.media)
    settings.ACS_ENDPOINT = "http://elsewhere.test"
    assert retrieve.retrieve(claimed) == MediaState.FAILED
    scene.media.refresh_from_db()
    assert "access key" in scene.media.error


def test_what_only_somebody_here_can_mend_is_tried_rarely():
    far = clock.now() + timedelta(days=1)
    waits = [claims.next_try(12, expires_at=far, kind=kind) - clock.now() for kind in ("unreachable", *claims.SLOW)]
    assert waits[0] <= timedelta(seconds=361)
    assert min(waits[1:]) > timedelta(seconds=700)


def test_a_location_outside_the_allowed_hosts_gets_no_key(scene):
    scene.chunk.content_location = "https://evil.test/media"
    scene.chunk.save()
    assert attempt(scene.media) == MediaState.FAILED
    assert "evil.test" in scene.media.error


def test_a_chunk_of_2021_is_fetched_by_its_document_id(scene):
    scene.chunk.content_location = scene.chunk.metadata_location = ""
    scene.chunk.save()
    attempt(scene.media)
    attempt(scene.metadata)
    paths = [path.partition("?")[0] for _, path, _ in scene.host.requests]
    base = f"/recording/download/{scene.chunk.document_id}"
    assert paths == [base, f"{base}/metadata"]


def test_a_weak_duration_is_a_finding(scene):
    scene.recording.duration_ms = 60_000
    scene.recording.save()
    attempt(scene.media)
    assert "stated was 60.0 s" in scene.media.findings[0]
