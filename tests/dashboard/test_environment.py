"""Reading variables: what is allowed, and how a refusal reads."""

import pytest

from dashboard import parsers, variables
from dashboard.environment import BadVariable, Variable

PORT = Variable(
    name="A_PORT", parse=parsers.port, default=80, allowed="a port number", meaning="The port.", default_text="80"
)
KEY = Variable(
    name="A_KEY",
    parse=parsers.base64_key,
    default="",
    allowed="base64",
    meaning="The key.",
    default_text="none",
    secret=True,
)


def test_an_unset_variable_has_its_default() -> None:
    assert PORT.read({}) == 80


def test_an_empty_variable_counts_as_unset() -> None:
    assert PORT.read({"A_PORT": "  "}) == 80
    assert not PORT.is_set({"A_PORT": ""})


def test_a_set_variable_is_parsed() -> None:
    assert PORT.read({"A_PORT": " 8080 "}) == 8080
    assert PORT.is_set({"A_PORT": "8080"})


def test_a_refusal_names_the_variable_the_value_and_what_is_allowed() -> None:
    with pytest.raises(BadVariable) as refusal:
        PORT.read({"A_PORT": "many"})
    assert str(refusal.value) == "A_PORT is “many”, which is not allowed. Allowed: a port number. Default: 80."


def test_a_refused_secret_is_never_repeated() -> None:
    with pytest.raises(BadVariable) as refusal:
        KEY.read({"A_KEY": "hunter2!"})
    assert "hunter2" not in str(refusal.value)
    assert "a value of 8 characters" in str(refusal.value)


@pytest.mark.parametrize(
    ("variable", "good", "value"),
    [
        (variables.TAPEDECK_PORT, "65535", 65535),
        (variables.TAPEDECK_HOST, "::1", "::1"),
        (variables.TAPEDECK_ALLOWED_HOSTS, "a.example, .b.example", ("a.example", ".b.example")),
        (variables.TAPEDECK_PUBLIC_URL, "https://tapedeck.example/", "https://tapedeck.example"),
        (variables.TAPEDECK_SECRET_KEY, "x" * 50, "x" * 50),
        (variables.DATABASE_URL, "postgresql://u@h/n", "postgresql://u@h/n"),
        (variables.CELERY_BROKER_URL, "amqp://g:g@h//", "amqp://g:g@h//"),
        (variables.CELERY_QUEUE_PREFIX, "deck-2", "deck-2"),
        (variables.ACS_ENDPOINT, "https://r.communication.azure.com/", "https://r.communication.azure.com"),
        (variables.ACS_ENDPOINT, "http://127.0.0.1:8801", "http://127.0.0.1:8801"),
        (variables.ACS_ACCESS_KEY, "a2tr", "a2tr"),
        (variables.ACS_CONNECTION_STRING, "endpoint=https://r.example/;accesskey=a2s=", ("https://r.example", "a2s=")),
        (variables.ACS_CONTENT_HOSTS, "*.asm.skype.com", ("*.asm.skype.com",)),
        (variables.ACS_RETENTION_SECONDS, "172800", 172800),
        (variables.ACS_DELETE_AFTER_ARCHIVE, "On", True),
        (variables.ACS_DELETE_AFTER_ARCHIVE, "0", False),
        (variables.EVENT_GRID_TOPIC, "acs", "acs"),
        (variables.LOCAL_ACS_CHUNK_SECONDS, "1.5", 1.5),
        (variables.LOCAL_ACS_LIVE_CALLS, "0", 0),
    ],
)
def test_what_is_allowed(variable: Variable[object], good: str, value: object) -> None:
    assert variable.read({variable.name: good}) == value


@pytest.mark.parametrize(
    ("variable", "bad"),
    [
        (variables.TAPEDECK_PORT, "0"),
        (variables.TAPEDECK_PORT, "65536"),
        (variables.TAPEDECK_PORT, "eighty"),
        (variables.TAPEDECK_HOST, "http://127.0.0.1"),
        (variables.TAPEDECK_ALLOWED_HOSTS, "good.example, not a host"),
        (variables.TAPEDECK_PUBLIC_URL, "tapedeck.example"),
        (variables.TAPEDECK_PUBLIC_URL, "https://tapedeck.example/path"),
        (variables.TAPEDECK_PUBLIC_URL, "https://user@tapedeck.example"),
        (variables.TAPEDECK_PUBLIC_URL, "https://tapedeck.example:port"),
        (variables.TAPEDECK_SECRET_KEY, "short"),
        (variables.DATABASE_URL, "mysql://h/n"),
        (variables.CELERY_BROKER_URL, "redis://h"),
        (variables.CELERY_QUEUE_PREFIX, "with space"),
        (variables.ACS_ENDPOINT, "http://r.communication.azure.com"),
        (variables.ACS_ACCESS_KEY, "not base64!"),
        (variables.ACS_ACCESS_KEY, "===="),
        (variables.ACS_CONNECTION_STRING, "endpoint=https://r.example/"),
        (variables.ACS_CONNECTION_STRING, "nonsense"),
        (variables.ACS_RETENTION_SECONDS, "1 day"),
        (variables.ACS_RETENTION_SECONDS, "0"),
        (variables.ACS_DELETE_AFTER_ARCHIVE, "perhaps"),
        (variables.LOCAL_ACS_CHUNK_SECONDS, "-1"),
        (variables.LOCAL_ACS_CHUNK_SECONDS, "nan"),
        (variables.LOCAL_ACS_CHUNK_SECONDS, "inf"),
        (variables.LOCAL_ACS_CHUNK_BYTES, "1.5"),
    ],
)
def test_what_is_refused(variable: Variable[object], bad: str) -> None:
    with pytest.raises(BadVariable, match=variable.name):
        variable.read({variable.name: bad})


def test_every_default_is_what_its_parser_allows_or_nothing() -> None:
    for variable in variables.VARIABLES:
        if variable.default and isinstance(variable.default, str | int):
            assert variable.parsed(str(variable.default)) == variable.default


def test_a_folder_may_be_relative_or_begin_at_home() -> None:
    assert variables.TAPEDECK_DATA.read({"TAPEDECK_DATA": "here"}).is_absolute()
    assert "~" not in str(variables.TAPEDECK_DATA.read({"TAPEDECK_DATA": "~/deck"}))
