"""The player: several chunks as one recording, in media time and on the wall clock, by mouse and by keys."""

import hashlib
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from playwright.sync_api import expect

from recordings import clock, storage
from recordings.models import MediaFile, PauseInterval, Recording
from recordings.states import RecordingState
from tests.browser.pages import reader
from tests.dashboard import cast
from tests.recordings import media

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CHUNK_SECONDS = 3
PAUSE_MS = 60_000


@pytest.fixture
def recording(transactional_db, live_server, tmp_path) -> Recording:
    """Two chunks of three seconds, with a pause of a minute in the middle of the second."""
    row = cast.recording(RecordingState.ENDED, began=clock.now() - timedelta(hours=1))
    body = media.mp4(tmp_path / "a.mp4").read_bytes()
    for index in range(2):
        chunk = cast.secured(row, index, minutes=CHUNK_SECONDS / 60)
        file = chunk.files.get(artefact="media")
        storage.archive().save(file.archive_key, ContentFile(body))
        MediaFile.objects.filter(pk=file.pk).update(
            size=len(body), sha256=hashlib.sha256(body).hexdigest(), duration_ms=CHUNK_SECONDS * 1000
        )
        if index:
            starts = chunk.start_time + timedelta(seconds=1.5)
            PauseInterval.objects.create(chunk=chunk, started_at=starts, duration_ms=PAUSE_MS)
    return row


@pytest.fixture
def page(browser, live_server, recording):
    with reader(browser, live_server.url, cast.user("olga")) as opened:
        opened.goto(reverse("recording", args=[recording.pk]))
        opened.wait_for_function("() => document.querySelector('[data-video]').readyState >= 1")
        yield opened


def state(page, what: str):
    return page.evaluate(f"document.querySelector('[data-video]').{what}")


def seek(page, share: float) -> None:
    page.locator("[data-scrubber]").fill(str(round(1000 * share)))


def test_one_position_runs_over_all_chunks(page):
    expect(page.locator("[data-length]")).to_have_text("0:06")
    first = state(page, "src")
    seek(page, 0.75)
    page.wait_for_function("() => document.querySelector('[data-video]').currentTime > 1.4")
    assert state(page, "src") != first
    expect(page.locator("[data-position]")).to_have_text("0:04")


def test_it_plays_on_into_the_next_chunk(page):
    first = state(page, "src")
    seek(page, 0.42)
    page.locator("[data-do=toggle]").click()
    page.wait_for_function(
        "first => { const v = document.querySelector('[data-video]');"
        " return v.src !== first && v.currentTime > 0.2 && !v.paused }",
        arg=first,
    )


def test_the_wall_clock_jumps_over_the_pause_and_the_file_does_not(page, recording):
    from django.utils import timezone

    began = recording.chunks.get(index=0).start_time
    seek(page, 0.98)
    wall = began + timedelta(seconds=5.88 + PAUSE_MS / 1000)
    with timezone.override("Europe/Berlin"):
        shown = f"{timezone.localtime(wall):%H:%M:%S}"
    expect(page.locator("[data-wall]")).to_have_text(shown)
    playhead = float(page.locator("[data-playhead]").get_attribute("x1").rstrip("%"))
    assert playhead == pytest.approx(100 * (5.88 + 60) / 66, abs=0.5)


def test_a_click_on_the_timeline_goes_there(page):
    box = page.locator("[data-timeline]").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 2 / 66, box["y"] + 30)
    page.wait_for_function("() => Math.abs(document.querySelector('[data-video]').currentTime - 2) < 0.3")


def test_keys_skip_step_and_change_speed(page):
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-position]")).to_have_text("0:05")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-position]")).to_have_text("0:00")
    page.keyboard.press(".")
    page.wait_for_function("() => Math.abs(document.querySelector('[data-video]').currentTime - 0.125) < 0.02")
    page.keyboard.press(">")
    assert state(page, "playbackRate") == 1.25
    page.keyboard.press("<")
    page.keyboard.press("<")
    assert state(page, "playbackRate") == 0.75
    page.keyboard.press("n")
    expect(page.locator("[data-position]")).to_have_text("0:01")
    page.keyboard.press(" ")
    page.wait_for_function("() => !document.querySelector('[data-video]').paused")


def test_the_speed_holds_over_chunks(page):
    page.get_by_label("Speed").select_option("3")
    seek(page, 0.9)
    page.wait_for_function("() => document.querySelector('[data-video]').readyState >= 1")
    assert state(page, "playbackRate") == 3


def test_an_address_leads_to_a_second(page, recording):
    page.goto(f"{reverse('recording', args=[recording.pk])}?t=4")
    expect(page.locator("[data-position]")).to_have_text("0:04")


def test_a_pause_in_the_list_plays_from_before_it(page):
    page.get_by_role("button", name="Play from before it").click()
    page.wait_for_function("() => !document.querySelector('[data-video]').paused")


def test_the_player_keeps_its_place_when_the_page_around_it_changes(page, recording):
    seek(page, 0.3)
    page.evaluate("document.querySelector('[data-video]').mark = 'same'")
    cast.event(recording, recording.chunks.first())
    expect(page.locator("#inbox-heading + .num")).to_have_text("3")
    assert state(page, "mark") == "same"
    expect(page.locator("[data-position]")).to_have_text("0:01")


def test_a_file_that_cannot_be_read_is_named_and_the_others_play(page, recording):
    said = page.locator("[data-broken]")
    expect(said).to_be_hidden()
    storage.archive().delete(recording.chunks.get(index=1).files.get(artefact="media").archive_key)
    seek(page, 0.75)
    expect(said).to_contain_text("Chunk 1 cannot be read from the archive.")
    seek(page, 0.1)
    page.wait_for_function("() => document.querySelector('[data-video]').readyState >= 1")
    expect(said).to_be_hidden()


def test_a_first_file_that_cannot_be_read_is_named_at_once(page, recording):
    storage.archive().delete(recording.chunks.get(index=0).files.get(artefact="media").archive_key)
    page.reload()
    expect(page.locator("[data-broken]")).to_contain_text("Chunk 0 cannot be read from the archive.")


def test_without_script_every_chunk_has_a_player_of_its_own(browser, live_server, recording):
    with reader(browser, live_server.url, cast.user("olga"), java_script_enabled=False) as page:
        page.goto(reverse("recording", args=[recording.pk]))
        assert page.locator("video[controls]").count() == 2
        assert not page.locator("[data-controls]").is_visible()
