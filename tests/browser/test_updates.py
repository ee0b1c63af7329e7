"""An open page stays true: rows change in place, focus survives, changes are said, and a lost server is named."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from playwright.sync_api import expect

from recordings import buckets
from recordings.models import Call, Heartbeat, Recording, Resource
from tests.browser.pages import PHONE, reader
from tests.dashboard import cast

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
def olga(transactional_db, live_server):
    cast.processes()
    return cast.user("olga")


@pytest.fixture
def page(browser, live_server, olga):
    with reader(browser, live_server.url, olga) as opened:
        yield opened


def change(row: Recording, **columns: object) -> None:
    Recording.objects.filter(pk=row.pk).update(version=F("version") + 1, **columns)


def test_a_change_shows_within_two_seconds_without_a_reload(page):
    row = cast.recording()
    page.goto("/")
    page.evaluate("window.stillHere = true")
    change(row, state="stopping")
    expect(page.locator(f"#r-{row.pk}")).to_contain_text("Stopping", timeout=2000)
    assert page.evaluate("window.stillHere")


def test_focus_and_selection_survive_a_change(page):
    rows = [cast.recording(names=(name,)) for name in ("Ada", "Grace")]
    page.goto("/")
    page.locator(f"#pause-{rows[0].pk}").focus()
    change(rows[1], state="stopping")
    expect(page.locator(f"#r-{rows[1].pk}")).to_contain_text("Stopping")
    assert page.evaluate("document.activeElement.id") == f"pause-{rows[0].pk}"


def test_what_changed_is_announced(page):
    row = cast.recording(names=("Ada", "Grace"))
    page.goto("/")
    change(row, state="stopping")
    expect(page.locator("#announcer")).to_have_text("Ada, Grace: Stopping")
    Recording.objects.filter(pk=row.pk).update(state="ended")
    buckets.settle(row)
    expect(page.locator("#announcer")).to_have_text("Ada, Grace: no longer being recorded")


def test_a_hidden_tab_asks_nothing_and_is_fresh_at_once_on_return(page):
    row = cast.recording()
    page.goto("/")
    page.wait_for_timeout(1200)
    hide = "value => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => value}); }"
    page.evaluate(hide, arg=True)
    page.wait_for_timeout(300)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    change(row, state="stopping")
    page.wait_for_timeout(2500)
    assert asked == []
    page.evaluate(hide, arg=False)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(f"#r-{row.pk}")).to_contain_text("Stopping", timeout=700)


def test_a_lost_server_is_named_while_the_clocks_go_on(page):
    cast.recording()
    page.goto("/")
    banner = page.locator("#offline")
    expect(banner).to_be_hidden()
    page.route("**/*", lambda route: route.abort())
    expect(banner).to_be_visible()
    ticking = page.locator("[data-clock=elapsed]").first
    before = ticking.inner_text()
    expect(ticking).not_to_have_text(before)
    page.unroute("**/*")
    expect(banner).to_be_hidden()


def test_a_lost_session_leads_to_the_sign_in_and_back_to_the_page(page):
    page.goto("/at-risk/")
    Session.objects.all().delete()
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/at-risk/$"))
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/at-risk/$"))


def test_a_stale_button_tells_why_and_mends_the_row(page):
    row = cast.recording(names=("Ada", "Grace"))
    page.goto("/")
    page.route("**/?seen=*", lambda route: route.fulfill(status=204))
    Recording.objects.filter(pk=row.pk).update(state="ended")
    buckets.settle(row)
    page.locator(f"#pause-{row.pk}").click()
    expect(page.locator("#messages")).to_contain_text("The recording has ended.")
    expect(page.locator(f"#r-{row.pk}")).to_have_count(0)


def test_a_call_appears_and_leaves_by_itself(page):
    page.goto("/")
    call = cast.call("Radia", "Ken")
    button = page.get_by_role("button", name="Record Radia, Ken")
    expect(button).to_be_visible(timeout=2000)
    Call.objects.filter(pk=call.pk).update(ended_at=cast.clock.now())
    expect(button).to_have_count(0, timeout=2000)


def test_the_theme_switches_without_a_reload_and_stays(page):
    page.goto("/")
    page.evaluate("window.stillHere = true")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(14, 16, 18)"
    assert page.evaluate("window.stillHere")
    page.goto("/library/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_menu_closes_by_escape_and_by_a_click_beside_it(page):
    page.goto("/")
    menu = page.locator("details.menu")
    menu.locator("summary").press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    menu.locator("summary").click()
    page.locator("h1").click()
    expect(menu).not_to_have_attribute("open", "")


def test_the_list_is_walked_by_keys(page, olga):
    rows = [
        cast.recording(names=(name,), began=cast.clock.now() - n * cast.timedelta(hours=1))
        for n, name in enumerate(("Ada", "Grace", "Radia"))
    ]
    page.goto("/library/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(str(rows[1].pk)))
    page.go_back()
    page.keyboard.press("/")
    page.keyboard.type("Rad")
    page.keyboard.press("Enter")
    expect(page.locator("tr[id^=l-]")).to_have_count(1)


def test_the_first_stop_of_the_tab_key_skips_to_the_content(page):
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_times_follow_a_browser_that_moves_to_another_zone(browser, live_server, olga):
    began = cast.clock.now().replace(year=2026, month=3, day=10, hour=12, minute=0)
    cast.recording(began=began)
    with reader(browser, live_server.url, olga, timezone_id="Asia/Kolkata", viewport=PHONE) as page:
        page.goto("/library/")
        expect(page.locator("tr[id^=l-] time").first).to_have_text("10 Mar, 17:30")


def test_a_button_that_leaves_hands_the_keyboard_to_its_row(page):
    row = cast.recording(names=("Ada", "Grace"))
    page.goto("/")
    page.locator(f"#pause-{row.pk}").focus()
    change(row, state="stopping")
    expect(page.locator(f"#pause-{row.pk}")).to_have_count(0)
    expect(page.locator(f"#r-{row.pk} a")).to_be_focused()


def test_the_list_follows_without_a_reload_and_keeps_keyboard_and_filters(page, olga):
    ada, grace = (cast.recording(names=(name,)) for name in ("Ada", "Grace"))
    page.goto("/library/?call=&participant=")
    page.get_by_label("Participant").fill("half a na")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("j")
    chosen = page.locator("tr.is-current")
    expect(chosen).to_have_attribute("id", f"l-{ada.pk}")
    newest = cast.recording(names=("Radia",), began=cast.clock.now())
    change(grace, state="paused")
    expect(page.locator(f"#l-{newest.pk}")).to_be_visible(timeout=2500)
    expect(page.locator(f"#l-{grace.pk}")).to_contain_text("Paused")
    expect(chosen).to_have_attribute("id", f"l-{ada.pk}")
    expect(page.locator(f"#l-{ada.pk} a")).to_be_focused()
    expect(page.get_by_label("Participant")).to_have_value("half a na")
    expect(page.locator("#announcer")).to_contain_text("Grace: Paused")
    page.keyboard.press("k")
    expect(chosen).to_have_attribute("id", f"l-{grace.pk}")


def test_a_new_row_does_not_move_the_row_under_the_pointer(page, olga):
    cast.library(40, olga)
    page.goto("/library/")
    row = page.locator("tr[id^=l-]").nth(3)
    held = page.locator(f"#{row.get_attribute('id')}")
    held.hover()
    before = held.bounding_box()["y"]
    newest = cast.recording(names=("Radia",), began=cast.clock.now())
    expect(page.locator(f"#l-{newest.pk}")).to_have_count(1)
    assert abs(held.bounding_box()["y"] - before) < 2


def test_system_keeps_what_the_reader_opened_and_was_told(page):
    page.goto("/system/")
    page.locator("#webhook-address summary").click()
    page.get_by_role("button", name="Test connection").click()
    said = page.locator("[data-keep] .message").first
    expect(said).to_be_visible()
    words = said.inner_text()
    Heartbeat.objects.filter(name="beat").update(beaten_at=cast.clock.now() - cast.timedelta(minutes=4))
    expect(page.locator("#p-beat")).to_contain_text("Not heard from", timeout=2500)
    expect(page.locator("#webhook-address")).to_have_attribute("open", "")
    assert said.inner_text() == words
    Resource.objects.update(retention_seconds=3 * 3600)
    expect(page.locator("#system")).to_contain_text("3 h")
    assert said.inner_text() == words


def test_a_fold_on_a_recording_stays_open_when_the_page_changes(page):
    row = cast.recording()
    page.goto(f"/recordings/{row.pk}/")
    page.locator("#ids summary").click()
    change(row, state="stopping")
    expect(page.locator("#summary")).to_contain_text("Stopping")
    expect(page.locator("#ids")).to_have_attribute("open", "")


@pytest.mark.parametrize("address", ["/library/", "/system/"])
def test_a_lost_server_is_named_on_every_page_that_changes(page, address):
    page.goto(address)
    page.route("**/*", lambda route: route.abort())
    expect(page.locator("#offline")).to_be_visible()
    page.unroute("**/*")
    expect(page.locator("#offline")).to_be_hidden()


def test_a_reason_stays_chosen_until_it_is_used(page):
    row = cast.recording()
    page.goto(f"/recordings/{row.pk}/")
    page.locator("#reason").select_option("Card data")
    cast.trouble()
    expect(page.locator("#banners")).to_contain_text("cannot be paused")
    expect(page.locator("#reason")).to_have_value("Card data")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".history")).to_contain_text("asked by olga: Card data")
