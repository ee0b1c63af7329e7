"""Template words: `{% moment %}`, `{% countdown %}`, `{% icon %}`, `|duration`, `|size` and their kin.

A ticking element carries the moment it counts from or to in milliseconds of the server's clock; `static/js/clock.js`
keeps it going. What is written here is what stands there without JavaScript.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from dashboard.forms import KINDS
from dashboard.urgency import urgency
from recordings import clock
from recordings.models import Loss, Notification, Presence, Recording, RecordingParticipant
from recordings.states import LossCause

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86_400
UNITS = ("B", "KB", "MB", "GB", "TB")
THOUSAND = 1000
SHORT_HASH = 12
SHORT_ID = 10


@register.filter
def clock_time(seconds: float | None) -> str:
    """Seconds as `7:05` or `1:02:07`."""
    if seconds is None:
        return "–"
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, HOUR)
    minutes, left = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


@register.filter
def duration(milliseconds: float | None) -> str:
    """Milliseconds as `7:05` or `1:02:07`."""
    return "–" if milliseconds is None else clock_time(milliseconds / THOUSAND)


@register.filter
def size(count: int | None) -> str:
    """Bytes as `412 MB`: decimal units, three digits at most."""
    if count is None:
        return "–"
    amount, unit = float(count), 0
    while amount >= THOUSAND - 0.5 and unit < len(UNITS) - 1:
        amount, unit = amount / THOUSAND, unit + 1
    digits = 1 if unit and amount < 10 else 0  # noqa: PLR2004  (below ten, one decimal still says something)
    return f"{amount:.{digits}f} {UNITS[unit]}"


@register.filter
def milliseconds(moment: datetime | None) -> str:
    """A moment as milliseconds since 1970, for scripts."""
    return "" if moment is None else str(round(moment.timestamp() * THOUSAND))


@register.filter
def span(seconds: float | None) -> str:
    """A rough span: `12 s`, `4 min`, `3 h`, `2 d`."""
    if seconds is None:
        return "–"
    whole = max(0, int(seconds))
    if whole < 2 * MINUTE:
        return _("%(n)d s") % {"n": whole}
    if whole < 2 * HOUR:
        return _("%(n)d min") % {"n": whole // MINUTE}
    if whole < 2 * DAY:
        return _("%(n)d h") % {"n": whole // HOUR}
    return _("%(n)d d") % {"n": whole // DAY}


@register.filter
def short_hash(digest: str) -> str:
    return f"{digest[:SHORT_HASH]}…" if digest else "–"


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite; with a label it says something of its own, without one it is decoration."""
    said = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html('<svg class="icon" {}><use href="{}#{}"></use></svg>', said, static("icons.svg"), name)


@register.simple_tag
def moment(at: datetime | None, style: str = "full") -> SafeString:
    """A moment in the viewer's zone, with UTC on hover. `style`: full, stamp, time, day, short (time only today)."""
    if at is None:
        return SafeString('<span class="none">–</span>')
    local = timezone.localtime(at)
    text = _written(local, style)
    if timezone.get_current_timezone_name() == "UTC" and style != "day":
        text = f"{text} UTC"
    utc = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>', utc.isoformat(), f"{utc:%Y-%m-%d %H:%M:%S}", text
    )


def _written(local: datetime, style: str) -> str:
    if style == "short":
        style = "time" if local.date() == timezone.localtime(clock.now()).date() else "stamp"
    written = {
        "time": f"{local:%H:%M:%S}",
        "day": date_format(local, "j M Y"),
        "stamp": f"{date_format(local, 'j M')}, {local:%H:%M}",
    }
    return written.get(style, f"{date_format(local, 'j M Y')}, {local:%H:%M:%S}")


@register.simple_tag
def ago(at: datetime | None, never: str = "") -> SafeString:
    """How long ago, ticking; the moment itself on hover."""
    if at is None:
        return format_html('<span class="none">{}</span>', never or _("never"))
    local = timezone.localtime(at)
    return format_html(
        '<time class="num" datetime="{}" title="{}" data-clock="ago" data-words="{}" data-at="{}">{}</time>',
        at.astimezone(UTC).isoformat(),
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        _("%(span)s ago") % {"span": "{}"},
        milliseconds(at),
        _("%(span)s ago") % {"span": span((clock.now() - at).total_seconds())},
    )


@register.simple_tag
def elapsed(since: datetime | None, before_ms: int = 0) -> SafeString:
    """Time that goes on since `since`, on top of `before_ms`, as `7:05`."""
    if since is None:
        return format_html('<span class="num">{}</span>', duration(before_ms))
    seconds = (clock.now() - since).total_seconds() + before_ms / THOUSAND
    return format_html(
        '<span class="num" data-clock="elapsed" data-at="{}" data-plus="{}">{}</span>',
        milliseconds(since),
        before_ms,
        clock_time(seconds),
    )


@register.simple_tag
def since(at: datetime | None) -> SafeString:
    """Whole seconds since `at`, ticking: the `n s` of “unconfirmed since n s”."""
    if at is None:
        return SafeString("–")
    seconds = (clock.now() - at).total_seconds()
    return format_html('<span class="num" data-clock="span" data-at="{}">{}</span>', milliseconds(at), span(seconds))


@register.inclusion_tag("widgets/_countdown.html")
def countdown(until: datetime | None, window_seconds: int) -> dict[str, object]:
    """A deadline as bar and remaining time; calm, amber below 25 %, urgent below 10 %."""
    if until is None:
        return {"until": None}
    window = timedelta(seconds=window_seconds)
    now = clock.now()
    left = max(0.0, (until - now).total_seconds())
    return {
        "until": until,
        "window_ms": window_seconds * THOUSAND,
        "left": clock_time(left),
        "percent": round(min(100.0, 100 * left / window_seconds), 1) if window_seconds else 0,
        "urgency": urgency(until=until, window=window, now=now),
    }


@register.filter
def call_id(recording: Recording) -> str:
    """The end of the call's id, which is where ids of one service differ."""
    whole = (recording.call.server_call_id if recording.call else "") or recording.remote_call_id
    return f"…{whole[-SHORT_ID:]}" if len(whole) > SHORT_ID else whole


@register.filter
def who(people: Iterable[Presence | RecordingParticipant]) -> str:
    """The names of the people in a recording, each once."""
    return ", ".join(dict.fromkeys(str(each.participant) for each in people))


@register.filter
def cause(loss: Loss) -> str:
    """Why something was lost, in plain words."""
    words = {
        LossCause.EXPIRED: _("Temporary storage dropped it before it could be fetched"),
        LossCause.UNREACHABLE: _("The service could not be reached until after its time was over"),
        LossCause.OWN_FAULT: _("A fault on this side kept it from being fetched until after its time was over"),
        LossCause.DELETED: _("Others deleted it from temporary storage"),
        LossCause.NO_FILE_EVENT: _("No file was ever announced"),
        LossCause.MISSING_CHUNK: _("This chunk was never announced, and later ones were"),
        LossCause.UNPLAYABLE: _("What was fetched could not be a recording"),
        LossCause.ARCHIVE_DAMAGED: _("The archived copy is gone or changed"),
    }
    return words[LossCause(loss.cause)]


@register.filter
def kind(recording: Recording) -> str:
    """What was recorded, as the Start form words it; what it does not offer, in the service's words."""
    triple = (recording.content_type, recording.channel_type, recording.format_type)
    words = {
        KINDS["video"]: _("Video and audio, MP4"),
        KINDS["mp3"]: _("Audio, MP3"),
        KINDS["wav"]: _("Audio, WAV"),
        KINDS["channels"]: _("Audio, WAV with a channel per participant"),
    }
    return words.get(triple) or " ".join(filter(None, triple)) or "–"


@register.filter
def session_end(reason: str) -> str:
    """Why a recording ended. The service documents two reasons and leaves the list open; others stand as they came."""
    words = {"InitiatorLeft": _("The recording was stopped"), "CallEnded": _("The call ended")}
    return words.get(reason, reason)


@register.filter
def event_name(notification: Notification) -> str:
    """`Microsoft.Communication.CallStarted` as `CallStarted`."""
    return notification.event_type.rpartition(".")[2] or _("Unknown event")


@register.filter
def pretty_json(body: str) -> str:
    """JSON with indentation; anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
