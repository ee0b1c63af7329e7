"""The address for other software's callbacks is shown to those who configure, and to nobody else."""

from django.conf import settings as real_settings

from recordings import webhooks


def test_who_configures_sees_the_address(desk, settings):
    settings.TAPEDECK_PUBLIC_URL = "https://deck.example"
    address = f"https://deck.example/webhooks/acs/events/{real_settings.TAPEDECK_WEBHOOK_SECRET}"
    assert webhooks.address() == address
    assert address in desk.get("/system/").content.decode()


def test_who_only_views_does_not(window, settings):
    settings.TAPEDECK_PUBLIC_URL = "https://deck.example"
    answer = window.get("/system/")
    assert answer.status_code == 200
    assert real_settings.TAPEDECK_WEBHOOK_SECRET not in answer.content.decode()


def test_without_a_public_address_the_page_says_what_to_set(desk, settings):
    settings.TAPEDECK_PUBLIC_URL = ""
    assert webhooks.address() == ""
    assert "none: set TAPEDECK_PUBLIC_URL" in desk.get("/system/").content.decode()
