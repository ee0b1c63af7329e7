"""At risk: soonest expiry first, with cause, next attempt and a way to try at once; losses below."""

from datetime import timedelta

from django.urls import reverse

from dashboard.celery import worker_name
from recordings import clock
from recordings.models import Heartbeat, Loss, MediaFile
from recordings.states import MediaState, RecordingState
from tests.dashboard import cast
from tests.dashboard.test_live import HTMX, seen, text_of


def ended():
    return cast.recording(RecordingState.ENDED, began=clock.now() - timedelta(hours=2))


def test_soonest_expiry_stands_first_with_the_cause_of_its_last_failure(desk):
    cast.chunk(ended(), left=0.9)
    cast.failing(ended(), left=0.05, error="The service failed (503).")
    page = desk.get("/at-risk/").content.decode()
    rows = page.split('<tr id="f-')[1:]
    assert "The service failed (503)." in rows[0]
    assert "is-urgent" in rows[0]
    assert "as soon as a worker is free" in rows[1]


def test_retrieve_now_makes_a_failed_file_due(desk):
    file = cast.failing(ended(), left=0.5, error="503").files.get(artefact="media")
    answer = desk.post(reverse("retrieve-now", args=[file.pk]), follow=True)
    assert "Chunk 0 is fetched as soon as a worker is free." in text_of(answer.content.decode())
    file.refresh_from_db()
    assert file.next_attempt_at is None


def test_retrieve_now_answers_htmx_with_the_fresh_lists(desk):
    file = cast.failing(ended(), left=0.5, error="503").files.get(artefact="media")
    answer = desk.post(reverse("retrieve-now", args=[file.pk]), headers=HTMX).content.decode()
    assert answer.startswith('<div id="lists"')
    assert 'id="messages" class="messages" role="status" hx-swap-oob="true"' in answer


def test_what_is_being_fetched_needs_no_retrieving(desk):
    file = cast.chunk(ended()).files.first()
    MediaFile.objects.filter(pk=file.pk).update(state=MediaState.RETRIEVING)
    page = desk.get("/at-risk/").content.decode()
    assert "under way" in page
    assert f'formaction="{reverse("retrieve-now", args=[file.pk])}"' not in page
    answer = desk.post(reverse("retrieve-now", args=[file.pk]), follow=True)
    assert "There is nothing to do" in answer.content.decode()


def test_a_loss_is_told_with_cause_and_evidence(desk):
    cast.lost(ended())
    page = text_of(desk.get("/at-risk/").content.decode())
    assert "Temporary storage dropped it before it could be fetched" in page
    assert "404 from the service" in page


def test_the_fragment_is_silent_until_something_changes(desk):
    page = desk.get("/at-risk/").content.decode()
    assert desk.get("/at-risk/", {"seen": seen(page)}, headers=HTMX).status_code == 204
    cast.chunk(ended())
    answer = desk.get("/at-risk/", {"seen": seen(page)}, headers=HTMX).content.decode()
    assert answer.startswith('<div id="lists"')
    assert 'id="risk-count" hx-swap-oob="true" class="count">2' in answer


def test_nothing_at_risk_is_good_news(desk):
    page = desk.get("/at-risk/").content.decode()
    assert "Everything that was announced is secured" in page
    assert "Nothing has been lost." in page


def test_no_loss_stands_under_the_news_that_everything_is_secured(desk):
    loss = cast.lost(ended())
    page = desk.get("/at-risk/").content.decode()
    assert "Everything that was announced is secured" not in page
    assert "Nothing is waiting" in page
    Loss.objects.filter(pk=loss.pk).update(recovered_at=clock.now())
    assert "Everything that was announced is secured" in desk.get("/at-risk/").content.decode()


def test_the_page_asks_a_constant_number_of_questions(desk, django_assert_max_num_queries):
    for _ in range(6):
        cast.failing(ended(), left=0.5, error="503")
    with django_assert_max_num_queries(14):
        desk.get("/at-risk/")


def test_a_file_is_named_by_the_people_in_it(desk):
    cast.failing(cast.recording(RecordingState.ENDED, names=("Ada Byron", "Grace")), left=0.5, error="503")
    assert "Ada Byron, Grace" in text_of(desk.get("/at-risk/").content.decode())


def test_a_recording_that_awaits_its_file_counts_down_from_its_end(desk):
    row = cast.recording(RecordingState.ENDED, names=("Ada Byron",), ended_at=clock.now() - timedelta(minutes=2))
    page = desk.get("/at-risk/").content.decode().partition(f'<tr id="a-{row.pk}"')[2]
    assert "23:5" in text_of(page)
    assert "a minute or two after the end" in page


def test_a_file_event_that_does_not_come_is_raised(desk):
    cast.recording(RecordingState.ENDED, ended_at=clock.now() - timedelta(minutes=11))
    assert "Overdue Its event may have been lost." in text_of(desk.get("/at-risk/").content.decode())


def test_a_silent_worker_is_named_where_files_wait_for_it(desk):
    cast.processes()
    page = desk.get("/at-risk/").content.decode()
    assert "Not heard from" not in page
    name = worker_name("media")
    assert Heartbeat.objects.filter(name=name).update(beaten_at=clock.now() - timedelta(minutes=4))
    answer = desk.get("/at-risk/", {"seen": seen(page)}, headers=HTMX)
    assert f"Not heard from: {name}." in text_of(answer.content.decode())
