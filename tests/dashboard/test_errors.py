"""Refusals and failures: what happened, what it means, what to do; and the id that is also in the log."""

import logging
import re

import pytest
from django.http import Http404
from django.test import Client

from dashboard.views import errors
from recordings import ledger


def test_an_address_that_is_wrong_says_where_to_look(desk):
    answer = desk.get("/recordings/0/")
    assert answer.status_code == 404
    assert "Recordings never vanish from the Library" in answer.content.decode()


def test_a_failure_has_an_id_that_is_also_in_the_log(olga, caplog, monkeypatch):
    def broken() -> None:
        raise RuntimeError("the ledger is on fire")

    monkeypatch.setattr(ledger, "strip", broken)
    client = Client(raise_request_exception=False)
    client.force_login(olga)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/")
    assert answer.status_code == 500
    page = answer.content.decode()
    failure_id = re.search(r"<code>(\w+)</code>", page)[1]
    assert f"failure {failure_id} at GET /" in caplog.text
    assert "the ledger is on fire" in caplog.text
    assert "the ledger is on fire" not in page


def test_a_refusal_is_no_failure(desk, caplog):
    assert desk.get("/files/01890000-0000-7000-8000-000000000000/play/").status_code == 404
    assert "failure" not in caplog.text


def test_a_malformed_request_has_a_page(rf):
    request = rf.get("/")
    request.user = None
    answer = errors.bad_request(request, ValueError())
    assert answer.status_code == 400
    assert "cannot be understood" in answer.content.decode()


def test_the_refusal_of_anything_but_a_verb_says_no_more_than_that(rf):
    request = rf.get("/")
    request.user = None
    assert "An administrator can change that." in errors.denied(request, Exception("inner")).content.decode()
    assert errors.not_found(request, Http404()).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/library/", "/at-risk/", "/system/", "/start/", "/profile/", "/profile/password/"]
)
def test_no_page_needs_inline_style_or_script(desk, path):
    answer = desk.get(path)
    page = answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", page)
