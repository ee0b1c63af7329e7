"""The only door to an object: look it up among what the user may see, ask for the verb, else 404 or 403.

An object outside the user's reach is 404, as if it did not exist. A verb that the user lacks on an object within
reach is 403, and the page says which verb it was.
"""

import functools
import uuid
from collections.abc import Callable
from enum import StrEnum

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from recordings.models import Call, MediaFile, Notification, Recording, Resource


class OperatorRequest(HttpRequest):
    """A request of somebody who signed in."""

    user: User
    htmx: HtmxDetails


View = Callable[[OperatorRequest], HttpResponse]


class Verb(StrEnum):
    """What a user may do with recordings. Groups only bundle these."""

    VIEW = "view"
    PLAY = "play"
    DOWNLOAD = "download"
    CONTROL = "control"
    RETRIEVE = "retrieve"
    DELETE = "delete"
    CONFIGURE = "configure"

    @property
    def permission(self) -> str:
        return f"recordings.{self.value}_recording"


class VerbMissing(PermissionDenied):
    """The user may see the object, and may not do this with it."""

    def __init__(self, verb: Verb) -> None:
        self.verb = verb
        super().__init__(
            _("Your account lacks the permission “%(verb)s”. An administrator can add it.") % {"verb": verb.value}
        )


def may(user: User, verb: Verb) -> bool:
    return user.has_perm(verb.permission)


def needs(verb: Verb) -> Callable[[View], View]:
    """Refuses a whole view to users without `verb`. Views of one object ask for the verb when they look it up."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: OperatorRequest) -> HttpResponse:
            demand(request.user, verb)
            return view(request)

        return guarded

    return decorate


def demand(user: User, verb: Verb) -> None:
    if not may(user, verb):
        raise VerbMissing(verb)


def recordings_visible_to(user: User) -> QuerySet[Recording]:
    """One installation serves one team: who may view sees every recording, others see none."""
    return Recording.objects.all() if may(user, Verb.VIEW) else Recording.objects.none()


def calls_visible_to(user: User) -> QuerySet[Call]:
    return Call.objects.all() if may(user, Verb.VIEW) else Call.objects.none()


def recording(user: User, pk: uuid.UUID, *, verb: Verb = Verb.VIEW) -> Recording:
    row = get_object_or_404(recordings_visible_to(user).select_related("resource", "call", "started_by"), pk=pk)
    demand(user, verb)
    return row


def call(user: User, pk: uuid.UUID, *, verb: Verb = Verb.VIEW) -> Call:
    row = get_object_or_404(calls_visible_to(user).select_related("resource"), pk=pk)
    demand(user, verb)
    return row


def media_file(user: User, pk: uuid.UUID, *, verb: Verb = Verb.VIEW) -> MediaFile:
    rows = MediaFile.objects.filter(chunk__recording__in=recordings_visible_to(user))
    row = get_object_or_404(rows.select_related("chunk__recording__resource", "chunk__resource"), pk=pk)
    demand(user, verb)
    return row


def notification(user: User, pk: uuid.UUID, *, verb: Verb = Verb.VIEW) -> Notification:
    rows = Notification.objects.all() if may(user, Verb.VIEW) else Notification.objects.none()
    row = get_object_or_404(rows.select_related("resource"), pk=pk)
    demand(user, verb)
    return row


def resource(user: User, pk: uuid.UUID, *, verb: Verb = Verb.CONFIGURE) -> Resource:
    rows = Resource.objects.all() if may(user, Verb.VIEW) else Resource.objects.none()
    row = get_object_or_404(rows, pk=pk)
    demand(user, verb)
    return row
