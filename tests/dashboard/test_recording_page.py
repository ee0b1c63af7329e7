"""The page of one recording: what it says in each state, its timeline, and what its player is told."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from recordings import clock
from recordings.models import Command, Recording
from recordings.states import CommandState, CommandVerb, LossCause, RecordingState
from tests.dashboard import cast
from tests.dashboard.conftest import signed_in
from tests.dashboard.test_live import HTMX, seen, text_of


def page_of(browser, row: Recording) -> str:
    return browser.get(reverse("recording", args=[row.pk])).content.decode()


def ended(**columns: object) -> Recording:
    return cast.recording(RecordingState.ENDED, began=clock.now() - timedelta(hours=2), **columns)


def test_a_live_one_shows_state_times_and_buttons(desk):
    page = page_of(desk, cast.recording())
    assert "The service has confirmed this state." in page
    assert "Pause" in text_of(page)
    assert "data-playlist" not in page


def test_a_paused_one_says_what_that_means(desk):
    row = cast.recording()
    Recording.objects.filter(pk=row.pk).update(state="paused", paused_since=clock.now())
    assert "Nothing is being recorded until somebody resumes." in page_of(desk, row)


def test_a_command_that_stays_unclear_gives_the_other_buttons_back(desk, olga):
    row = cast.recording()
    asked = cast.command(row, CommandVerb.PAUSE, CommandState.REQUESTED, requested_by=olga)
    page = page_of(desk, row)
    assert f'id="stop-{row.pk}"' not in page
    Command.objects.filter(pk=asked.pk).update(requested_at=clock.now() - timedelta(seconds=11))
    answer = desk.get(reverse("recording", args=[row.pk]), {"seen": seen(page)}, headers=HTMX)
    assert f'id="stop-{row.pk}"' in answer.content.decode()


def test_a_contradiction_is_told_in_a_sentence(desk, olga):
    row = cast.recording()
    cast.command(row, CommandVerb.PAUSE, CommandState.CONTRADICTED, requested_by=olga)
    assert "The service said yes to the pause, and goes on recording." in page_of(desk, row)


@pytest.mark.parametrize(
    ("arrange", "says"),
    [
        (Recording.refresh_from_db, "Waiting for the file"),
        (cast.chunk, "In temporary storage"),
        (lambda row: cast.failing(row, left=0.5, error="The service failed (503)."), "Being fetched"),
        (cast.lost, "It can no longer be had"),
    ],
    ids=["awaiting", "temporary", "retrieving", "lost"],
)
def test_without_a_player_the_page_says_why(desk, arrange, says):
    row = ended()
    arrange(row)
    assert says in page_of(desk, row)


@pytest.mark.parametrize(
    ("bucket", "says"), [("no_media", "There is no media"), ("erased", "It was erased"), ("secured", "Nothing to play")]
)
def test_every_bucket_has_its_words(desk, bucket, says):
    row = ended()
    Recording.objects.filter(pk=row.pk).update(bucket=bucket)
    assert says in page_of(desk, row)


def test_one_that_did_not_start_points_at_the_history(desk):
    row = cast.recording(RecordingState.FAILED, identity="", recording_id=None)
    assert "It did not start" in page_of(desk, row)


def test_the_player_is_told_every_chunk_in_order_with_wall_times_and_pauses(desk):
    row = ended()
    chunks = [cast.secured(row, index, minutes=10, pauses=index) for index in range(2)]
    playlist = json.loads(unescape(re.search(r'data-playlist="([^"]+)"', page_of(desk, row))[1]))
    assert [item["index"] for item in playlist] == [0, 1]
    assert [item["media"] for item in playlist] == [600_000, 510_000]
    assert playlist[0]["wall"] == round(row.began_at.timestamp() * 1000)
    assert playlist[1]["pauses"] == [[round(chunks[1].pauses.get().started_at.timestamp() * 1000), 90_000]]
    assert playlist[0]["src"] == reverse("play", args=[chunks[0].files.get(artefact="media").pk])


def test_who_may_not_play_is_told_so(olga):
    from dashboard.access import Verb

    row = ended()
    cast.secured(row)
    page = page_of(signed_in(cast.user("ida", verbs=(Verb.VIEW,))), row)
    assert "Your account may not play recordings" in page
    assert "<video" not in page
    assert "Download" not in text_of(page)


def test_the_timeline_places_chunks_pauses_and_people(desk, olga):
    row = ended(names=("Ada", "Grace"))
    chunk = cast.secured(row, minutes=20, pauses=1)
    pause = chunk.pauses.get()
    cast.command(
        row,
        CommandVerb.PAUSE,
        CommandState.CONFIRMED,
        requested_by=olga,
        requested_at=pause.started_at - timedelta(seconds=1),
        reason="card data",
    )
    page = page_of(desk, row)
    assert '<rect class="pause" fill="url(#hatch)" x="50.0%" width="7.5%"' in page
    pauses = text_of(page.partition('class="pauses"')[2].partition("</table>")[0])
    assert "1:30 olga card data" in pauses
    assert page.count('class="lane"') == 2


def test_attempts_findings_and_failures_stand_with_their_file(desk):
    row = ended()
    cast.failing(row, left=0.5, error="The service failed (503).")
    page = text_of(page_of(desk, row))
    assert "The service failed (503). Next attempt" in page
    assert "4 attempts" in page
    assert "HTTP 503" in page


def test_history_tells_commands_and_steps_with_who_and_why(desk, olga):
    row = cast.recording()
    cast.command(
        row, CommandVerb.PAUSE, CommandState.CONFIRMED, requested_by=olga, reason="private matter", http_status=202
    )
    page = text_of(page_of(desk, row).partition("history-heading")[2])
    assert "Pause asked by olga : private matter" in page or "Pause asked by olga: private matter" in page
    assert "requested → active" in page
    assert "The service acknowledged the start." in page


def test_notifications_are_shown_with_their_lag_and_as_they_arrived(desk):
    row = ended()
    cast.chunk(row)
    page = unescape(page_of(desk, row))
    assert "71 s after the event" in text_of(page)
    assert '"documentId"' in page


def test_a_recovered_loss_stays_on_the_page_as_recovered(desk):
    row = ended()
    loss = cast.lost(row, LossCause.EXPIRED)
    loss.recovered_at = clock.now()
    loss.save(update_fields=["recovered_at"])
    assert "Recovered" in text_of(page_of(desk, row))


def test_the_fragment_is_silent_until_something_changes(desk):
    row = ended()
    cast.chunk(row)
    address = reverse("recording", args=[row.pk])
    version = seen(page_of(desk, row))
    assert desk.get(address, {"seen": version}, headers=HTMX).status_code == 204
    cast.event(row, row.chunks.get())
    answer = desk.get(address, {"seen": version}, headers=HTMX)
    assert answer.status_code == 200
    assert answer.content.decode().startswith('<div id="body"')


@pytest.mark.parametrize("chunks", [1, 6])
def test_the_page_asks_a_constant_number_of_questions(desk, django_assert_max_num_queries, chunks):
    row = ended()
    for index in range(chunks):
        cast.secured(row, index, minutes=5, pauses=2)
    with django_assert_max_num_queries(26):
        page_of(desk, row)


def test_remote_ids_never_stand_in_an_address(desk):
    row = ended()
    cast.secured(row)
    addresses = re.findall(r'(?:href|src|action|formaction|hx-[a-z]+)="([^"]*)"', page_of(desk, row))
    assert not [each for each in addresses if row.recording_id in each or row.call.server_call_id in each]
