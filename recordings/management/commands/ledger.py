"""`manage.py ledger`: whether every recording is accounted for. Exit code 1 when not."""

import json
import sys
from argparse import ArgumentParser
from datetime import datetime

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from recordings import ledger


class Command(BaseCommand):
    help = "Prints where every known recording and file stands, and names by id what does not agree."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for machines")
        parser.add_argument("--verify", action="store_true", help="read and hash every archived file (slow)")

    def handle(self, *arguments: object, **options: object) -> None:
        del arguments
        try:
            read = ledger.read(verify=bool(options["verify"]))
        except DatabaseError as error:
            raise CommandError(
                f"The database is not ready ({error}). Start Tapedeck once, run rebuild when the database was lost,"
                " or see DATABASE_URL."
            ) from error
        self.stdout.write(json.dumps(_document(read), indent=1) if options["json"] else _page(read))
        if options["verify"] and not options["json"]:
            self.stdout.write(f"{read.objects_matching} of {read.objects_read} archived objects were read and match")
        if not read.balanced:
            sys.exit(1)


def _document(read: ledger.Ledger) -> dict[str, object]:
    return {
        "known": read.known,
        "balanced": read.balanced,
        "buckets": read.buckets,
        "files_known": read.files_known,
        "files": read.files,
        "disagreements": [each.id for each in read.disagreements],
        "details": [{"kind": each.kind, "id": each.id, "message": each.message} for each in read.disagreements],
        "objects_read": read.objects_read,
        "objects_matching": read.objects_matching,
        "next_expiry": _moment(read.next_expiry, absent=None),
        "last_notification_at": _moment(read.last_notification_at, absent=None),
    }


def _page(read: ledger.Ledger) -> str:
    verdict = "balanced" if read.balanced else "NOT BALANCED"
    lines = [f"{read.known} recordings known, {verdict}", *_counts(read.buckets)]
    lines += [f"{read.files_known} files known", *_counts(read.files)]
    lines += [f"next expiry        {_moment(read.next_expiry, absent='none')}"]
    lines += [f"last notification  {_moment(read.last_notification_at, absent='none')}"]
    lines += [f"{each.kind}: {each.message}" for each in read.disagreements]
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> list[str]:
    return [f"  {count:>8}  {name.replace('_', ' ')}" for name, count in counts.items()]


def _moment(moment: datetime | None, *, absent: str | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else absent
