"""Byte ranges of archived files."""

import pytest

from recordings.pipeline import play
from recordings.pipeline.play import ByteRange, Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=10-", 10, 999),
        ("bytes=990-5000", 990, 999),
        ("bytes=-10", 990, 999),
        ("bytes=-5000", 0, 999),
        (" Bytes = 5 - 6 ", 5, 6),
    ],
)
def test_a_range_is_read(header, start, end):
    found = parse_range(header, size=1000)
    assert (found.start, found.end) == (start, end)
    assert found.content_range == f"bytes {start}-{end}/1000"


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "bytes=None", "bytes=5", "bytes=undefined", "items=0-1", "bytes=9-3", "bytes=0-1,5-6"],
)
def test_what_is_no_single_range_is_ignored(header):
    assert parse_range(header, size=1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_satisfied(header):
    with pytest.raises(Unsatisfiable, match=r"\*/1000"):
        parse_range(header, size=1000)


def test_an_empty_file_has_no_suffix():
    with pytest.raises(Unsatisfiable):
        parse_range("bytes=-5", size=0)


def test_only_open_ended_ranges_are_capped():
    assert parse_range("bytes=10-", size=1000).capped(100) == ByteRange(10, 109, 1000, open_ended=True)
    assert parse_range("bytes=950-", size=1000).capped(100).length == 50
    assert parse_range("bytes=10-900", size=1000).capped(100).length == 891


@pytest.mark.django_db(transaction=True)
def test_blocks_hold_exactly_the_range(secured):
    body = secured.body
    assert b"".join(play.open_range(secured.media, 5, 5)) == body[5:6]
    assert b"".join(play.open_range(secured.media, 10, len(body) - 1)) == body[10:]


@pytest.mark.django_db(transaction=True)
def test_the_file_is_let_go_when_the_client_has_gone(secured):
    blocks = play.open_range(secured.media, 0, 100)
    blocks.close()
    assert list(blocks) == []


@pytest.mark.django_db(transaction=True)
def test_a_lost_object_is_told_at_once(secured):
    secured.media.archive_key = "nowhere/0-00000000.mp4"
    with pytest.raises(FileNotFoundError):
        play.open_range(secured.media, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_the_validator_is_the_hash(secured):
    tag = play.etag(secured.media)
    assert tag == f'"{secured.media.sha256}"'
    assert play.matches("", secured.media)
    assert play.matches(tag, secured.media)
    assert not play.matches("Mon, 01 Jun 2026 00:00:00 GMT", secured.media)
