"""How pages hand work over without knowing the tasks: they change the row, and the sweep finds it."""

from recordings import clock
from recordings.models import MediaFile, Notification
from recordings.states import RETRIEVABLE, NotificationState


def retrieve_now(media_file: MediaFile) -> bool:
    """Makes a waiting file due at once; False when it is not waiting."""
    rows = MediaFile.objects.filter(pk=media_file.pk, state__in=RETRIEVABLE)
    return rows.update(next_attempt_at=None) == 1


def replay(notification: Notification) -> bool:
    """Has a stored event processed again; False when it is waiting already."""
    rows = Notification.objects.filter(pk=notification.pk).exclude(state=NotificationState.PENDING)
    return rows.update(state=NotificationState.PENDING, next_try_at=clock.now(), error="") == 1
