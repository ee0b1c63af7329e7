"""One of several processes that claim the same files at the same moment: `python -m tests.recordings.racing claim`.

Prints what it got as JSON.
"""

import json
import os
import sys
import time

import django

FILES = 40


def prepare() -> None:
    from django.conf import settings
    from django.core.management import call_command

    from recordings import clock
    from recordings.states import RecordingState
    from tests import rows

    call_command("migrate", verbosity=0)
    resource = rows.resource(endpoint=settings.ACS_ENDPOINT)
    for _ in range(FILES // 2):
        rows.chunk(
            rows.recording(RecordingState.ENDED, resource=resource), expires_at=clock.now() + clock.seconds(3600)
        )


def claim(begin_at: str) -> list[str]:
    from recordings.models import MediaFile
    from recordings.pipeline import claims

    files = list(MediaFile.objects.select_related("chunk__resource").order_by("id"))
    time.sleep(max(float(begin_at) - time.time(), 0))
    return [str(file.pk) for file in files if claims.claim(file)]


def settled() -> list[str]:
    """Archives both files of each recording side by side and reports the buckets."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from recordings import moves
    from recordings.models import MediaFile, Recording
    from recordings.states import MediaState

    MediaFile.objects.update(state=MediaState.RETRIEVED)

    def step(file: MediaFile) -> None:
        moves.media_file(file, MediaState.ARCHIVED, because="A race.")
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(step, MediaFile.objects.select_related("chunk__recording").order_by("chunk_id")))
    return list(Recording.objects.values_list("bucket", flat=True))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    django.setup()
    sys.stdout.write(json.dumps({"prepare": prepare, "claim": claim, "settled": settled}[sys.argv[1]](*sys.argv[2:])))
