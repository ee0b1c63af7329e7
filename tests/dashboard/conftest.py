"""The cast of the page tests: Olga may do everything, Vera only looks and plays, Nadia nothing."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.access import Verb
from tests.dashboard import cast


@pytest.fixture
def olga(db: None) -> User:
    return cast.user("olga")


@pytest.fixture
def vera(db: None) -> User:
    return cast.user("vera", verbs=(Verb.VIEW, Verb.PLAY))


@pytest.fixture
def nadia(db: None) -> User:
    return cast.user("nadia", verbs=())


@pytest.fixture
def desk(olga: User) -> Client:
    """A browser in which Olga is signed in."""
    return signed_in(olga)


@pytest.fixture
def window(vera: User) -> Client:
    """A browser in which Vera is signed in."""
    return signed_in(vera)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
