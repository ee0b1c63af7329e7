"""Every address refuses who has not signed in, and each command refuses who lacks its verb."""

import uuid

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from dashboard.access import Verb
from recordings.states import RecordingState
from tests.dashboard import cast
from tests.dashboard.conftest import signed_in

OPEN = {"sign-in", "healthz", "theme", "acs-callback", "acs-events", "login", "jsi18n"}
"""Reachable without a session: they are the way in, or carry a secret of their own."""


def patterns(resolver: URLResolver, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            space = f"{prefix}{each.namespace}:" if each.namespace else prefix
            found += patterns(each, space)
        elif each.name:
            found.append((f"{prefix}{each.name}", each))
    return found


EVERY = sorted(dict(patterns(get_resolver())).items())
OURS = [name for name, _pattern in EVERY if ":" not in name and name not in OPEN and name != "sign-out"]


def address(name: str, pattern: URLPattern) -> str:
    keys = pattern.pattern.regex.groupindex
    values = {"pk": uuid.uuid4(), "secret": "x"} if name not in dict(EVERY) or ":" not in name else {}
    return reverse(name, kwargs={key: values.get(key, "1") for key in keys})


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.django_db
def test_an_address_sends_strangers_to_the_sign_in(client, name, method):
    answer = getattr(client, method)(address(name, dict(EVERY)[name]))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("name", ["admin:index", "admin:recordings_recording_changelist", "admin:auth_user_changelist"])
@pytest.mark.django_db
def test_the_administration_refuses_strangers_and_operators_who_are_no_staff(client, desk, name):
    assert client.get(reverse(name)).status_code == 302
    assert desk.get(reverse(name)).status_code == 302


@pytest.mark.parametrize("name", OURS)
@pytest.mark.django_db
def test_a_fragment_without_a_session_moves_the_whole_page_to_the_sign_in(client, name):
    answer = client.get(
        address(name, dict(EVERY)[name]),
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/library/?state=lost"},
    )
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == "/sign-in/?next=/library/%3Fstate%3Dlost"
    assert answer.content == b""


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("live", Verb.VIEW),
        ("library", Verb.VIEW),
        ("at-risk", Verb.VIEW),
        ("system", Verb.VIEW),
        ("start", Verb.CONTROL),
    ],
)
def test_a_page_says_which_verb_is_missing(nadia, name, verb):
    answer = signed_in(nadia).get(reverse(name))
    assert answer.status_code == 403
    assert f"lacks the permission “{verb}”" in answer.content.decode()


@pytest.mark.parametrize("name", ["pause", "resume", "stop"])
def test_a_viewer_may_not_control(window, name):
    row = cast.recording()
    answer = window.post(reverse(name, args=[row.pk]))
    assert answer.status_code == 403
    assert "“control”" in answer.content.decode()
    assert not row.commands.exists()


@pytest.mark.parametrize(
    ("name", "verb"), [("watch", "control"), ("start-call", "configure"), ("end-call", "configure")]
)
def test_a_viewer_may_not_change_anything(window, name, verb):
    answer = window.post(reverse(name))
    assert answer.status_code == 403
    assert f"“{verb}”" in answer.content.decode()


def test_a_viewer_may_not_record_retrieve_replay_or_test(window):
    row = cast.recording(RecordingState.ENDED)
    chunk = cast.chunk(row)
    targets = {
        "record": cast.call("Ada").pk,
        "retrieve-now": chunk.files.first().pk,
        "replay": row.notifications.first().pk,
        "test-connection": row.resource_id,
    }
    assert {name: window.post(reverse(name, args=[pk])).status_code for name, pk in targets.items()} == dict.fromkeys(
        targets, 403
    )


def test_what_nobody_may_see_does_not_exist(nadia):
    row = cast.recording(RecordingState.ENDED)
    file = cast.secured(row).files.first()
    browser = signed_in(nadia)
    for path in (
        reverse("recording", args=[row.pk]),
        reverse("play", args=[file.pk]),
        reverse("download", args=[file.pk]),
    ):
        assert browser.get(path).status_code == 404


def test_a_page_offers_no_button_that_its_reader_may_not_press(window):
    cast.live_rows(3, cast.user("root"))
    page = window.get("/").content.decode()
    assert "formaction" not in page
    assert "Start or watch" not in page
