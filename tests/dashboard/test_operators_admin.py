"""Administrators tend the operators, and rise no higher by it."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from dashboard import operators
from tests.dashboard import cast
from tests.dashboard.conftest import signed_in


@pytest.fixture
def anna(db) -> User:
    """A member of the group administrator, with the right to enter the administration."""
    operators.ensure_groups()
    anna = cast.user("anna", verbs=())
    anna.groups.add(Group.objects.get(name="administrator"))
    User.objects.filter(pk=anna.pk).update(is_staff=True)
    anna.refresh_from_db()
    return anna


@pytest.fixture
def office(anna) -> Client:
    return signed_in(anna)


@pytest.fixture
def root(db) -> User:
    return cast.user("root", superuser=True)


def form(user: User, **fields: object) -> dict[str, object]:
    joined = user.date_joined
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
        **fields,
    }


def change(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def password(user: User) -> str:
    return reverse("admin:auth_user_password_change", args=[user.pk])


NEW = {"password1": "another long one", "password2": "another long one", "usable_password": "true"}


def test_an_administrator_becomes_no_superuser(office, anna):
    may = Permission.objects.get(codename="delete_user")
    answer = office.post(change(anna), form(anna, is_superuser="on", user_permissions=[may.pk], first_name="Anna"))
    assert answer.status_code == 302
    anna.refresh_from_db()
    assert (anna.first_name, anna.is_superuser, anna.user_permissions.count()) == ("Anna", False, 0)


def test_an_administrator_makes_nobody_else_a_superuser(office):
    operator = cast.user("olga", verbs=())
    office.post(change(operator), form(operator, is_superuser="on"))
    operator.refresh_from_db()
    assert (operator.is_staff, operator.is_superuser) == (True, False)


def test_an_administrator_looks_at_a_superuser_and_changes_nothing(office, root):
    page = office.get(change(root))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert office.post(change(root), form(root, username="anna2")).status_code == 403
    assert office.get(password(root)).status_code == 403
    assert office.post(password(root), NEW).status_code == 403
    root.refresh_from_db()
    assert root.check_password(cast.PASSWORD)


def test_an_administrator_gives_an_operator_a_group_and_a_password(office):
    operator = cast.user("olga", verbs=())
    viewer = Group.objects.get(name="viewer")
    assert office.post(change(operator), form(operator, groups=[viewer.pk])).status_code == 302
    assert office.post(password(operator), NEW).status_code == 302
    operator.refresh_from_db()
    assert list(operator.groups.all()) == [viewer]
    assert operator.check_password(NEW["password1"])


def test_a_superuser_makes_another(root, anna):
    assert signed_in(root).post(change(anna), form(anna, is_superuser="on")).status_code == 302
    anna.refresh_from_db()
    assert anna.is_superuser


def test_the_operators_are_listed(office, root):
    assert "root" in office.get(reverse("admin:auth_user_changelist")).content.decode()
