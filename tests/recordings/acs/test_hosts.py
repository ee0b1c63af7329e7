"""Credentials only go to allowed hosts."""

import pytest

from recordings.acs.errors import HostNotAllowed
from recordings.acs.hosts import check_allowed, is_loopback

HOSTS = ("127.0.0.1:8801", "acs.example.com:443", "*.asm.skype.com", "[::1]:8801", "files.example.com:8443")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8801/v1/objects/a/content/video",
        "http://[::1]:8801/x",
        "https://acs.example.com/calling/recordings",
        "https://ACS.example.com:443/",
        "https://us-storage.asm.skype.com/v1/objects/a",
        "https://a.b.asm.skype.com/",
        "https://files.example.com:8443/x",
    ],
)
def test_an_allowed_address_passes(url):
    check_allowed(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "http://us-storage.asm.skype.com/v1/objects/a",  # not https
        "https://asm.skype.com/",  # the name itself, not one below it
        "https://evilasm.skype.com/",
        "https://us.asm.skype.com.evil.test/",
        "https://us.asm.skype.com:8443/",  # another port of an allowed machine
        "https://us.asm.skype.com@evil.test/",
        "https://key:word@us.asm.skype.com/",
        "https://evil.test\\@us.asm.skype.com/",
        "https://evil.test/\r\nHost: us.asm.skype.com",
        "https://us.asm.skype.com./",
        "https://.asm.skype.com/",
        "https://a..asm.skype.com/",
        "https://еvil.asm.skype.com/",  # a Cyrillic letter
        "http://127.0.0.1:6379/",
        "http://127.0.0.1/",
        "http://2130706433:8801/",
        "http://localhost:8801/",
        "http://169.254.169.254/metadata",
        "https://files.example.com/x",
        "file:///etc/passwd",
        "ftp://us.asm.skype.com/",
        "//us.asm.skype.com/",
        "us.asm.skype.com/x",
        "https://",
        "https://us.asm.skype.com:99999/",
        "https://us.asm.skype.com:0/",
        "https://[::1/",
        "",
    ],
)
def test_any_other_address_is_refused(url):
    with pytest.raises(HostNotAllowed):
        check_allowed(url, HOSTS)


def test_the_refusal_names_the_host_and_the_setting():
    with pytest.raises(HostNotAllowed, match=r"https://evil\.test .* ACS_CONTENT_HOSTS"):
        check_allowed("https://evil.test/secret/path", HOSTS)


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://localhost:1/", True), ("http://127.8.8.8/", True), ("https://a.test/", False), ("nothing", False)],
)
def test_this_machine_is_recognised(url, local):
    assert is_loopback(url) is local
