"""Every answer that is no 2xx becomes an error that says what to do."""

import json

import pytest

from recordings.acs import errors, refusals


def _nested(code, message=""):
    return json.dumps({"error": {"code": code, "message": message}}).encode()


@pytest.mark.parametrize("status", [200, 202, 204, 206])
def test_a_2xx_is_no_error(status):
    assert refusals.of(status, {}, b"") is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "retryable"),
    [
        (400, _nested("8527"), errors.Refused, "8527", False),
        (400, b'{"code":"400","message":"Invalid.","details":[null]}', errors.Refused, "400", False),
        (400, b"<html>", errors.BadAnswer, "", True),
        (400, b"", errors.Refused, "", False),
        (401, _nested("Denied", "Denied by the resource provider."), errors.CredentialsRefused, "Denied", False),
        (401, b"", errors.CredentialsRefused, "", False),
        (401, b'{"title":"Unauthorized","status":401,"message":"Unauthorized"}', errors.CredentialsRefused, "", False),
        (403, b"", errors.CredentialsRefused, "", False),
        (403, _nested("7504"), errors.Refused, "7504", False),
        (404, _nested("8522"), errors.NotFound, "8522", False),
        (404, b"<html>", errors.NotFound, "", False),
        (408, b"", errors.ServiceFault, "", True),
        (409, _nested("8571"), errors.Refused, "8571", False),
        (412, _nested("8583"), errors.Refused, "8583", False),
        (429, b"", errors.Throttled, "", True),
        (500, _nested("9999", "Unknown internal server error."), errors.ServiceFault, "9999", True),
        (503, b"<html>", errors.ServiceFault, "", True),
        (302, b"", errors.BadAnswer, "", False),
        (400, b'["no object"]', errors.BadAnswer, "", True),
    ],
)  # fmt: skip
def test_status_and_body_give_the_error(status, body, kind, code, retryable):
    error = refusals.of(status, {}, body)
    assert type(error) is kind
    assert (error.code, error.retryable) == (code, retryable)
    assert error.message.endswith((".", ")")) or ":" in error.message


def test_a_404_without_the_service_s_own_words_proves_nothing():
    assert not refusals.of(404, {}, b"<html>").proves_absence
    assert refusals.of(404, {}, _nested("8522")).proves_absence


@pytest.mark.parametrize(("header", "seconds"), [("3", 3.0), ("0.5", 0.5), ("soon", None), ("nan", None), ("-1", None)])
def test_the_wait_the_service_asks_for_is_kept_when_it_is_plausible(header, seconds):
    assert refusals.of(429, {"Retry-After": header}, b"").retry_after == seconds


@pytest.mark.parametrize(("header", "total"), [("bytes */1055", 1055), ("bytes */*", None), ("", None)])
def test_a_refused_range_tells_the_real_size(header, total):
    error = refusals.of(416, {"Content-Range": header}, b"")
    assert isinstance(error, errors.RangeRefused)
    assert error.total == total


def test_a_known_code_is_worded_for_operators():
    assert refusals.of(400, {}, _nested("8559", "x")).message == "This call is being recorded already."


def test_an_unknown_code_keeps_the_service_s_own_words():
    assert refusals.of(400, {}, _nested("1234", "Odd.")).message == "The service refused: Odd. (code 1234)"


def test_a_clock_that_is_off_is_named_as_the_cause():
    told = "The time difference between the originating client and the server is greater than the allowed margin."
    assert "Set the clock" in refusals.of(401, {}, _nested("Denied", told)).message
