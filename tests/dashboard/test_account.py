"""Sign-in, sign-out, the password, the theme, and the zone."""

import pytest
from django.contrib.auth.models import User

from tests.dashboard import cast
from tests.dashboard.conftest import signed_in
from tests.dashboard.test_live import text_of


def test_signing_in_returns_to_the_page_one_came_from(client, olga):
    page = client.get("/sign-in/", {"next": "/library/?state=lost"}).content.decode()
    assert "You return to the page you came from." in page
    fields = {"username": "olga", "password": cast.PASSWORD, "next": "/library/?state=lost"}
    assert client.post("/sign-in/", fields)["Location"] == "/library/?state=lost"


def test_signing_in_never_leads_away(client, olga):
    fields = {"username": "olga", "password": cast.PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post("/sign-in/", fields)["Location"] == "/"


def test_a_wrong_password_is_said_without_saying_which_half_was_wrong(client, olga):
    page = client.post("/sign-in/", {"username": "olga", "password": "x"}).content.decode()
    assert "Please enter a correct username and password" in text_of(page)


def test_who_is_signed_in_needs_no_sign_in(desk):
    assert desk.get("/sign-in/").status_code == 302


def test_signing_out_ends_the_session(desk):
    assert desk.post("/sign-out/")["Location"] == "/sign-in/"
    assert desk.get("/").status_code == 302


def test_changing_the_password_keeps_this_session_and_ends_the_others(desk, olga):
    other = signed_in(olga)
    fields = {
        "old_password": cast.PASSWORD,
        "new_password1": "a wholly new phrase",
        "new_password2": "a wholly new phrase",
    }
    answer = desk.post("/profile/password/", fields, follow=True)
    assert "Your password was changed." in answer.content.decode()
    assert other.get("/").status_code == 302
    assert User.objects.get(username="olga").check_password("a wholly new phrase")


def test_a_bad_new_password_is_refused_with_the_reason(desk):
    fields = {"old_password": cast.PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert "This password is too short" in desk.post("/profile/password/", fields).content.decode()


def test_the_profile_says_what_one_may_do(window):
    page = text_of(window.get("/profile/").content.decode())
    assert "You may view, play You may not download, control, retrieve, delete, configure" in page


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_a_theme_is_remembered_in_the_browser(desk, theme):
    answer = desk.post("/theme/", {"theme": theme, "next": "/library/"})
    assert answer["Location"] == "/library/"
    assert f'data-theme="{theme}"' in desk.get("/library/").content.decode()


def test_an_unknown_theme_and_a_foreign_address_are_ignored(client, db):
    answer = client.post("/theme/", {"theme": "pink", "next": "//elsewhere.example"})
    assert answer["Location"] == "/"
    assert not answer.cookies
    client.cookies["tapedeck_theme"] = "pink"
    assert 'data-theme="auto"' in client.get("/sign-in/").content.decode()


def test_times_are_written_in_the_zone_of_the_cookie(desk):
    cast.recording(began=cast.clock.now().replace(year=2026, month=3, day=10, hour=12, minute=0))
    assert "12:00 UTC" in desk.get("/library/").content.decode()
    desk.cookies["tapedeck_zone"] = "Asia/Kolkata"
    assert "17:30<" in desk.get("/library/").content.decode()


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "\x00", "", "Europe/"])
def test_a_zone_that_is_none_is_utc(desk, zone):
    cast.recording()
    desk.cookies["tapedeck_zone"] = zone
    assert " UTC<" in desk.get("/library/").content.decode()
