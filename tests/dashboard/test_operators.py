"""Groups and the first operator."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from dashboard import operators

pytestmark = pytest.mark.django_db


def member(group: str) -> User:
    """A fresh user who is in that group only."""
    operators.ensure_groups()
    user = User.objects.create_user(group)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.mark.parametrize(
    ("group", "may", "may_not"),
    [
        ("viewer", {"view", "play"}, {"download", "control", "retrieve", "delete", "configure"}),
        ("operator", {"view", "play", "download", "control", "retrieve"}, {"delete", "configure"}),
        ("administrator", {"view", "play", "download", "control", "retrieve", "delete", "configure"}, set()),
    ],
)
def test_a_group_bundles_its_verbs(group: str, may: set[str], may_not: set[str]) -> None:
    user = member(group)
    verbs = may | may_not
    assert {verb for verb in verbs if user.has_perm(f"recordings.{verb}_recording")} == may


def test_administrators_tend_operators_and_look_at_every_table() -> None:
    user = member("administrator")
    assert user.has_perms(["auth.add_user", "auth.change_user", "recordings.view_notification"])
    assert not user.has_perm("recordings.change_notification")


def test_what_was_added_to_a_group_by_hand_stays() -> None:
    operators.ensure_groups()
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(*Group.objects.get(name="operator").permissions.filter(codename="download_recording"))
    call_command("ensure_groups")
    assert viewer.permissions.filter(codename="download_recording").exists()


def test_the_first_operator_gets_a_generated_password_that_is_kept(data_folder: Path) -> None:
    password = operators.ensure_first_operator()
    kept = data_folder / "secrets" / "admin_password"
    assert kept.read_text().strip() == password
    assert kept.stat().st_mode & 0o777 == 0o600
    admin = User.objects.get(username="admin")
    assert admin.check_password(password)
    assert admin.is_superuser


def test_a_second_start_shows_the_same_password() -> None:
    assert operators.ensure_first_operator() == operators.ensure_first_operator()


def test_a_password_changed_in_the_dashboard_is_not_shown_and_stays() -> None:
    operators.ensure_first_operator()
    admin = User.objects.get(username="admin")
    admin.set_password("chosen by the operator")
    admin.save()
    assert operators.ensure_first_operator().startswith("changed since")
    admin.refresh_from_db()
    assert admin.check_password("chosen by the operator")


def test_a_lost_password_file_does_not_let_everybody_in(data_folder: Path) -> None:
    operators.ensure_first_operator()
    (data_folder / "secrets" / "admin_password").unlink()
    assert operators.ensure_first_operator().startswith("changed since")
    assert not User.objects.get(username="admin").check_password("")


def test_a_password_from_the_environment_holds_at_every_start(settings: Settings) -> None:
    operators.ensure_first_operator()
    settings.TAPEDECK_ADMIN_PASSWORD = "from the environment"
    assert operators.ensure_first_operator() == "the one in TAPEDECK_ADMIN_PASSWORD"
    assert User.objects.get(username="admin").check_password("from the environment")
    assert operators.ensure_first_operator() == "the one in TAPEDECK_ADMIN_PASSWORD"


def test_reset_operator_prints_a_password_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    old = operators.ensure_first_operator()
    call_command("reset_operator")
    new = capsys.readouterr().out.strip().rpartition(" ")[2]
    admin = User.objects.get(username="admin")
    assert admin.check_password(new)
    assert not admin.check_password(old)
    assert operators.ensure_first_operator() == new


def test_reset_operator_makes_nobody_of_a_mistyped_name() -> None:
    with pytest.raises(CommandError, match=r"no operator “admni”.*--create"):
        call_command("reset_operator", "admni")
    assert not User.objects.filter(username="admni").exists()


def test_reset_operator_makes_an_operator_when_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("reset_operator", "maria", "--create")
    maria = User.objects.get(username="maria")
    assert maria.is_superuser
    assert maria.check_password(capsys.readouterr().out.strip().rpartition(" ")[2])


def test_reset_operator_lets_a_deactivated_operator_in_again() -> None:
    User.objects.create_user("maria", password="x", is_active=False)
    call_command("reset_operator", "maria")
    maria = User.objects.get(username="maria")
    assert maria.is_active
    assert not maria.is_superuser
