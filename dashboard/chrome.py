"""What surrounds every page: the server's time for the clocks, the theme, the banners, the count beside “At risk”."""

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from dashboard.access import OperatorRequest, Verb
from recordings import clock
from recordings.models import Condition, MediaFile
from recordings.states import MediaState

THEME_COOKIE = "tapedeck_theme"
THEMES = ("auto", "light", "dark")
UNSECURED = (
    MediaState.ANNOUNCED,
    MediaState.RETRIEVING,
    MediaState.RETRIEVED,
    MediaState.FAILED,
    MediaState.QUARANTINED,
)


@dataclass(frozen=True, kw_only=True)
class Banner:
    """A condition in an operator's words: what happened, what it means for the recordings, what to do next."""

    condition: Condition
    title: str
    meaning: str
    remedy: str


def chrome(request: HttpRequest) -> dict[str, object]:
    """The context that every page has. What costs a query is asked only where a template shows it."""
    signed_in = getattr(request, "user", None) is not None and request.user.is_authenticated
    context: dict[str, object] = {
        "server_now": round(clock.now().timestamp() * 1000),
        "theme": theme(request),
        "embedded": settings.TAPEDECK_EMBEDDED,
        "path": request.path,
    }
    if signed_in:
        context["at_risk_count"] = SimpleLazyObject(unsecured().count)
        context["banners"] = SimpleLazyObject(banners)
        context["verbs"] = SimpleLazyObject(
            lambda: {verb.value: request.user.has_perm(verb.permission) for verb in Verb}
        )
    return context


def theme(request: HttpRequest) -> str:
    wanted = request.COOKIES.get(THEME_COOKIE, "auto")
    return wanted if wanted in THEMES else "auto"


def unsecured() -> "QuerySet[MediaFile]":
    """Files that only temporary storage is known to hold."""
    return MediaFile.objects.filter(state__in=UNSECURED)


def version(request: OperatorRequest, *facts: object) -> str:
    """Changes with `facts`, which are what a page shows, and with what surrounds every page.

    Zone and rights count, because the same facts are written differently for them; the clocks tick by themselves.
    """
    surroundings = (
        [(banner.condition.pk, banner.condition.detail) for banner in banners()],
        unsecured().count(),
        timezone.get_current_timezone_name(),
        [request.user.has_perm(verb.permission) for verb in Verb],
    )
    return hashlib.sha256(repr((surroundings, facts)).encode()).hexdigest()[:20]


def banners() -> list[Banner]:
    return [_banner(condition) for condition in Condition.objects.open().select_related("resource")]


def _banner(condition: Condition) -> Banner:
    meaning, remedy = _words()[Condition.Kind(condition.kind)]
    return Banner(condition=condition, title=condition.get_kind_display(), meaning=meaning, remedy=remedy)


def _words() -> dict[Condition.Kind, tuple[str, str]]:
    kind = Condition.Kind
    return {
        kind.UNREACHABLE: (
            _("Recordings go on at the service, but they cannot be paused or stopped from here, and files wait there."),
            _("Check the network and the endpoint. Retrieval goes on by itself, soonest expiry first."),
        ),
        kind.CREDENTIALS_REFUSED: (
            _("Nothing can be started, paused, stopped or retrieved. Files keep waiting and their countdowns run."),
            _("Compare the access key with the one of the resource in Azure, change it, and start Tapedeck again."),
        ),
        kind.DISK_FULL: (
            _("Files are not retrieved until there is room. Nothing is lost before its countdown ends."),
            _("Free space under the data folder, or move the archive to a larger disk."),
        ),
        kind.SOURCE_FAILING: (
            _("Finished recordings are not heard of. They wait at the service, and their time there is running."),
            _("Check the Event Grid namespace, its subscription and its key."),
        ),
        kind.SOURCE_SILENT: (
            _("Nobody has looked for finished recordings for a while. Their time in temporary storage is running."),
            _("Check that the control worker is running, and that the event source answers."),
        ),
    }
