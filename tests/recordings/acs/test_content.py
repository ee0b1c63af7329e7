"""Content arrives in blocks, from where it was asked for, or with an error that says why not."""

import pytest

from recordings.acs import errors
from tests.misbehaving import Misbehaving, Reply
from tests.recordings.acs.connected import client

pytestmark = pytest.mark.django_db

FILE = bytes(range(256)) * 4096  # 1 MiB


def _read(settings, server, **asked):
    acs = client(settings, server.endpoint)
    with acs.open_content(f"{server.endpoint}/v1/objects/a/content/video", document_id="a", **asked) as content:
        return content, b"".join(content)


def _part(start, *, of, **headers):
    stated = {"Content-Range": f"bytes {start}-{len(FILE) - 1}/{of}", **headers}
    return Reply(status=206, body=FILE[start:], headers=stated)


def test_a_file_comes_whole_with_its_size_and_validator(settings):
    with Misbehaving(Reply(body=FILE, headers={"Content-Type": "video/mp4", "ETag": '"1"'})) as server:
        content, got = _read(settings, server)
    assert got == FILE
    assert (content.status, content.offset, content.total) == (200, 0, len(FILE))
    assert (content.validator, content.media_type) == ('"1"', "video/mp4")
    assert "range" not in server.seen[0].headers


def test_blocks_are_small(settings):
    with Misbehaving(Reply(body=FILE)) as server:
        acs = client(settings, server.endpoint)
        with acs.open_content(f"{server.endpoint}/v1/objects/a", document_id="a") as content:
            assert max(len(block) for block in content) <= 256 * 1024


def test_a_part_begins_where_the_service_says(settings):
    with Misbehaving(_part(1000, of=len(FILE))) as server:
        content, got = _read(settings, server, offset=1000, validator='"1"')
    assert (content.offset, content.total, got) == (1000, len(FILE), FILE[1000:])
    assert server.seen[0].headers["range"] == "bytes=1000-"
    assert server.seen[0].headers["if-range"] == '"1"'


def test_a_part_may_begin_earlier_and_leave_the_size_open(settings):
    with Misbehaving(_part(500, of="*")) as server:
        content, _ = _read(settings, server, offset=1000)
    assert (content.offset, content.total) == (500, None)


def test_a_weak_validator_is_not_sent(settings):
    with Misbehaving(_part(1000, of=len(FILE))) as server:
        _read(settings, server, offset=1000, validator='W/"1"')
    assert "if-range" not in server.seen[0].headers


def test_a_service_that_ignores_the_range_sends_the_whole_file(settings):
    reply = Reply(body=FILE, headers={"Content-Range": f"bytes 0-{len(FILE) - 1}/{len(FILE)}"})
    with Misbehaving(reply) as server:
        content, got = _read(settings, server, offset=1000)
    assert (content.offset, got) == (0, FILE)


@pytest.mark.parametrize("said", ["", "bytes 2000-2999/5000", "items 0-1/2"])
def test_a_part_that_was_not_asked_for_is_a_bad_answer(settings, said):
    reply = Reply(status=206, body=b"x", headers={"Content-Range": said})
    with Misbehaving(reply) as server, pytest.raises(errors.BadAnswer):
        _read(settings, server, offset=1000)


def test_a_position_beyond_the_end_tells_the_size(settings):
    reply = Reply(status=416, headers={"Content-Range": "bytes */1055"})
    with Misbehaving(reply) as server, pytest.raises(errors.RangeRefused) as caught:
        _read(settings, server, offset=2000)
    assert caught.value.total == 1055


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>", headers={"Content-Type": "text/html; charset=utf-8"}),
        Reply(body=b""),
        Reply(body=b"", length=None),
        Reply(status=400, body=b"<html>"),
    ],
    ids=["page", "no bytes", "no bytes and no length", "page instead of a reason"],
)
def test_what_is_no_file_is_a_bad_answer_worth_another_try(settings, reply):
    with Misbehaving(reply) as server, pytest.raises(errors.BadAnswer) as caught:
        _read(settings, server)
    assert caught.value.retryable


@pytest.mark.parametrize("reset", [False, True])
def test_a_file_that_breaks_off_is_never_taken_for_whole(settings, reset):
    reply = Reply(body=FILE[:300_000], length=len(FILE), reset=reset)
    with Misbehaving(reply) as server, pytest.raises(errors.Unreachable) as caught:
        _read(settings, server)
    assert (caught.value.kind, caught.value.sent) == ("interrupted", True)


def test_a_file_that_has_gone_is_not_found(settings):
    with Misbehaving(Reply(status=404)) as server, pytest.raises(errors.NotFound):
        _read(settings, server)
