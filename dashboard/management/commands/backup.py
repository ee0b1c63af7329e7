"""Writes a backup of the running installation."""

from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser

from dashboard import backups


class Command(BaseCommand):
    help = "Writes database, archive, spool and secrets to one file. The installation may be running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", type=Path, help="The file to write; an existing one is replaced.")

    def handle(self, *args: object, target: Path, **options: object) -> None:
        del args, options
        try:
            summary = backups.write(target.absolute())
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{target}: {summary.files} files, {summary.bytes} bytes. It holds secrets: keep it safe.")
