"""Credentials only go to allowed hosts."""

import pytest

from recordings.acs.errors import HostNotAllowed
from recordings.acs.hosts import check_allowed, check_content, check_delete, is_loopback

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


STORE = "https://us-storage.asm.skype.com"
DOCUMENT = "0-eus-d1-83e9599991e21ad21220427d78fbf558"


@pytest.mark.parametrize(
    ("path", "endpoint", "content_host"),
    [
        (f"/v1/objects/{DOCUMENT}", True, True),
        (f"/v1/objects/{DOCUMENT}/content/video", True, True),
        (f"/v1/objects/{DOCUMENT}/content/acsmetadata?x=1", True, True),
        (f"/recording/download/{DOCUMENT}?api-version=2021-04-15-preview1", True, False),
        (f"/recording/download/{DOCUMENT}/metadata", True, False),
        (f"/recording/download/{DOCUMENT}/other", False, False),
        ("/v1/objects/0-eus-d1-other/content/video", False, True),
        (f"/v1/objects/x{DOCUMENT}", False, True),
        (f"/v1/objects/other?{DOCUMENT}", False, True),
        (f"/calling/recordings/{DOCUMENT}", False, False),
        (f"/calling/recordings/x/v1/objects/{DOCUMENT}", False, False),
        (f"/v1/objects/{DOCUMENT}/../../calling/recordings/x", False, False),
        (f"/v1/objects/{DOCUMENT}/%2e%2e/%2E%2E/%2e%2e/calling/recordings/x", False, False),
        (f"/v1/objects/{DOCUMENT}%2F..%2F..%2Fcalling", False, False),
        (f"/v1/objects/{DOCUMENT}/%252e%252e/x", False, False),
        (f"//v1/objects/{DOCUMENT}", False, False),
        (f"/v1/objects/{DOCUMENT}/", False, False),
        ("/v1/objects", False, False),
        ("/", False, False),
        ("", False, False),
    ],
)
def test_files_are_read_only_where_the_service_keeps_them(path, endpoint, content_host):
    for on_endpoint, allowed in ((True, endpoint), (False, content_host)):
        if allowed:
            check_content(STORE + path, document_id=DOCUMENT, on_endpoint=on_endpoint)
        else:
            with pytest.raises(HostNotAllowed, match="none where the service keeps this file"):
                check_content(STORE + path, document_id=DOCUMENT, on_endpoint=on_endpoint)


@pytest.mark.parametrize("rest", ["", "/content/deletedata"])
def test_a_document_is_deleted_at_its_own_location(rest):
    check_delete(f"{STORE}/v1/objects/{DOCUMENT}{rest}", document_id=DOCUMENT)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/objects/0-eus-d12-801b3f3fc462fe8a01e6810cbff729b8",  # of a documented sample event
        f"/v1/objects/{DOCUMENT}/content/video",
        f"/v1/objects/{DOCUMENT}/..",
        f"/calling/recordings/{DOCUMENT}",
        f"/recording/download/{DOCUMENT}",
        "/v1/objects",
    ],
)
def test_nothing_else_is_deleted(path):
    with pytest.raises(HostNotAllowed, match=f"does not name document {DOCUMENT}"):
        check_delete(STORE + path, document_id=DOCUMENT)


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://localhost:1/", True), ("http://127.8.8.8/", True), ("https://a.test/", False), ("nothing", False)],
)
def test_this_machine_is_recognised(url, local):
    assert is_loopback(url) is local
