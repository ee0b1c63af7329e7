"""The main job by hand in Chromium: once with JavaScript and once without."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]

PATIENCE_MS = 30_000
NO_SCRIPT = {"java_script_enabled": False}


def _call(stack: Stack, *names: str) -> None:
    stack.local("POST", "/local/calls", {"participants": list(names)})


def _row(page: Page, name: str) -> Locator:
    return page.locator("tr[id^=r-]").filter(has_text=name)


def _confirmed(row: Locator, word: str) -> None:
    expect(row).to_contain_text(word, timeout=PATIENCE_MS)
    expect(row.locator(".unconfirmed")).to_have_count(0, timeout=PATIENCE_MS)


def test_an_operator_starts_pauses_resumes_stops_and_plays(signed_in, stack):
    page = signed_in
    loads = []
    page.on("load", lambda: loads.append(page.url))
    _call(stack, "Ada Byron", "Grace Hopper")
    page.get_by_role("button", name=re.compile("Record.*Ada Byron")).click(timeout=PATIENCE_MS)
    row = _row(page, "Ada Byron")
    _confirmed(row, "Recording")
    page.wait_for_timeout(2000)
    row.get_by_role("button", name="Pause").click()
    _confirmed(row, "Paused")
    page.wait_for_timeout(1500)
    row.get_by_role("button", name="Resume").click()
    _confirmed(row, "Recording")
    page.wait_for_timeout(2000)
    row.get_by_role("link").click()
    head = page.locator("#summary")
    expect(head).to_contain_text("Recording")
    loads.clear()
    page.get_by_role("button", name="Stop").click()
    expect(head).to_contain_text("Secured", timeout=PATIENCE_MS)
    assert loads == []
    _assert_plays_and_seeks(page)
    expect(page.locator("table.pauses tbody tr")).to_have_count(1)


def _assert_plays_and_seeks(page: Page) -> None:
    video = page.locator("#player video")
    page.get_by_role("button", name=re.compile("^Play or pause")).click()
    _until(video, "v => v.currentTime > 0.5 && !v.paused && v.videoWidth === 1920")
    page.get_by_label("Position").focus()
    page.get_by_label("Position").press("End")
    _until(video, "v => v.currentTime > 2.5")
    page.get_by_label("Speed").select_option("2")
    assert video.evaluate("v => v.playbackRate") == 2
    page.keyboard.press("Escape")


def _until(video: Locator, condition: str) -> None:
    handle = video.element_handle()
    assert handle
    video.page.wait_for_function(condition, arg=handle, timeout=PATIENCE_MS)


def test_a_countdown_ticks_without_asking_and_is_right_on_a_wrong_clock(stack, browser):
    stack.local("POST", "/local/faults", {"fault": "service-unavailable", "match": "/content/", "count": 1000})
    try:
        context = browser.new_context(base_url=stack.url)
        context.clock.install(time="2031-01-01T00:00:00Z")
        context.clock.resume()
        page = context.new_page()
        _sign_in(page, stack)
        _record_shortly(page, stack, "Alan Turing")
        page.goto("/at-risk/")
        left = page.locator("[data-clock=countdown] [data-left]").first
        expect(left).to_have_text(re.compile(r"^23:5\d:\d\d$"), timeout=PATIENCE_MS)
        before = left.inner_text()
        page.route("**/*", lambda route: route.abort())
        expect(left).not_to_have_text(before)
        context.close()
    finally:
        stack.local("DELETE", "/local/faults")


def _sign_in(page: Page, stack: Stack) -> None:
    page.goto("/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(stack.admin_password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Live", exact=True).wait_for()


def _record_shortly(page: Page, stack: Stack, name: str) -> None:
    _call(stack, name)
    page.get_by_role("button", name=re.compile(f"Record.*{name}")).click(timeout=PATIENCE_MS)
    _confirmed(_row(page, name), "Recording")
    _row(page, name).get_by_role("button", name="Stop").click()
    expect(_row(page, name)).to_have_count(0, timeout=PATIENCE_MS)


@pytest.mark.parametrize("context", [NO_SCRIPT], indirect=True, ids=["without JavaScript"])
def test_the_whole_story_needs_no_script(signed_in, stack):
    page = signed_in
    _call(stack, "Emmy Noether", "Lise Meitner")
    _reload_until(page, lambda: page.get_by_role("button", name=re.compile("Record.*Emmy Noether")).count())
    page.get_by_role("button", name=re.compile("Record.*Emmy Noether")).click()
    _reload_until(page, lambda: _shows(page, "Recording"))
    page.wait_for_timeout(1500)
    _row(page, "Emmy").get_by_role("button", name="Pause").click()
    _reload_until(page, lambda: _shows(page, "Paused"))
    _row(page, "Emmy").get_by_role("button", name="Resume").click()
    _reload_until(page, lambda: _shows(page, "Recording"))
    _row(page, "Emmy").get_by_role("link").click()
    page.get_by_role("button", name="Stop").click()
    _reload_until(page, lambda: "Secured" in page.locator("#summary").inner_text())
    video = page.locator("#player video")
    assert video.get_attribute("controls") is not None
    answer = page.request.get(video.get_attribute("src"), headers={"Range": "bytes=0-11"})
    assert (answer.status, answer.body()[4:8]) == (206, b"ftyp")


def _shows(page: Page, word: str) -> bool:
    row = _row(page, "Emmy")
    return row.count() == 1 and word in row.inner_text() and row.locator(".unconfirmed").count() == 0


def _reload_until(page: Page, true_of) -> None:
    for _ in range(60):
        if true_of():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(page.locator("body").inner_text())
