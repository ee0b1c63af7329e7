"""Who may do what: the groups that bundle the verbs, and the first operator."""

from collections.abc import Mapping
from typing import Final

from django.apps import apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User

from dashboard import installation

FIRST_OPERATOR: Final = "admin"
PASSWORD_SECRET: Final = "admin_password"  # noqa: S105  (the name of a file)

VIEWER = ("view", "play")
OPERATOR = (*VIEWER, "download", "control", "retrieve")
ADMINISTRATOR = (*OPERATOR, "delete", "configure")
VERBS: Mapping[str, tuple[str, ...]] = {"viewer": VIEWER, "operator": OPERATOR, "administrator": ADMINISTRATOR}
"""The permissions on recordings that each group bundles."""


def ensure_groups() -> None:
    """Creates the groups and gives them their verbs; what was added to a group by hand stays."""
    create_permissions(apps.get_app_config("recordings"), verbosity=0)
    for name, verbs in VERBS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*_on_recordings(verbs))
    Group.objects.get(name="administrator").permissions.add(*_for_the_admin_pages())


def _on_recordings(verbs: tuple[str, ...]) -> list[Permission]:
    codenames = [f"{verb}_recording" for verb in verbs]
    return list(Permission.objects.filter(content_type__app_label="recordings", codename__in=codenames))


def _for_the_admin_pages() -> list[Permission]:
    """Looking at every table of the domain, and tending the operators."""
    looking = Permission.objects.filter(content_type__app_label="recordings", codename__startswith="view_")
    tending = Permission.objects.filter(
        content_type__app_label="auth", codename__in=["view_user", "add_user", "change_user", "view_group"]
    )
    return [*looking, *tending]


def ensure_first_operator() -> str:
    """Makes sure that somebody can sign in; returns what to say about the password of `admin`.

    A password from the environment is set at every start. A generated one is kept in the data folder; it holds until
    it is changed in the dashboard.
    """
    if settings.TAPEDECK_ADMIN_PASSWORD:
        user = User.objects.filter(username=FIRST_OPERATOR).first()
        if user is None or not user.check_password(settings.TAPEDECK_ADMIN_PASSWORD):
            reset(FIRST_OPERATOR, password=settings.TAPEDECK_ADMIN_PASSWORD)
        return "the one in TAPEDECK_ADMIN_PASSWORD"
    user = User.objects.filter(username=FIRST_OPERATOR).first()
    if user is None:
        return reset(FIRST_OPERATOR)
    kept = installation.secret(settings.TAPEDECK_DATA, PASSWORD_SECRET, make=str)
    return kept if kept and user.check_password(kept) else "changed since (manage.py reset_operator makes a new one)"


def is_known(username: str) -> bool:
    """Whether the name is an operator's; `admin` always is, because every installation has one."""
    return username == FIRST_OPERATOR or User.objects.filter(username=username).exists()


def reset(username: str, *, password: str = "") -> str:
    """Gives the operator a new password (generated unless given), making the operator first when there is none.

    An operator that is made here may do everything. Returns the password; that of `admin` is kept in the data folder
    when it was generated.
    """
    generated = not password
    password = password or installation.new_password()
    user, _ = User.objects.get_or_create(username=username, defaults={"is_staff": True, "is_superuser": True})
    user.set_password(password)
    user.is_active = True
    user.save(update_fields=["password", "is_active"])
    if username == FIRST_OPERATOR and generated:
        installation.keep_secret(settings.TAPEDECK_DATA, PASSWORD_SECRET, password)
    return password
