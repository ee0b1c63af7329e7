"""Pages served from this process over rows that a test made, and a browser that has signed in to them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 360, "height": 740}


@contextmanager
def reader(browser: Browser, address: str, user: User | None = None, **options: object) -> Iterator[Page]:
    """A page whose reader is `user`, in a profile of its own."""
    context = browser.new_context(
        **{"base_url": address, "viewport": DESKTOP, "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
        | options
    )
    context.set_default_timeout(10_000)
    cookies = [{"name": "tapedeck_zone", "value": "Europe/Berlin", "url": address}]
    if user is not None:
        client = Client()
        client.force_login(user)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookies.append({"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address})
    context.add_cookies(cookies)
    try:
        yield context.new_page()
    finally:
        context.close()
