"""The operators in the administration. Whoever tends them gets no further by it than they are themselves."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

FOR_SUPERUSERS = ("is_superuser", "user_permissions")
"""What only a superuser hands out. Everybody else gives rights by the groups."""

admin.site.unregister(User)


@admin.register(User)
class OperatorAdmin(UserAdmin):  # type: ignore[type-arg]  # Django has no such class at run time
    """As Django's, but nobody makes a superuser of themselves, or changes one, without being one."""

    show_full_result_count = False
    list_per_page = 50
    actions_on_bottom = False
    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [str(name) for name in super().get_readonly_fields(request, obj)]
        return fields if _is_superuser(request) else [*fields, *FOR_SUPERUSERS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Asked for the row, its form and its password alike."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, operator: User | None) -> bool:
    return operator is None or not operator.is_superuser or _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)
