"""Puts a backup in the place of the installation's data."""

from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser

from dashboard import backups, installation


class Command(BaseCommand):
    help = "Restores a file that `backup` wrote. Tapedeck must not be running on this data folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path)
        parser.add_argument("--replace", action="store_true", help="Replace data that is there; it is kept aside.")

    def handle(self, *args: object, source: Path, replace: bool, **options: object) -> None:
        del args, options
        try:
            with installation.only_one(settings.TAPEDECK_DATA):
                summary = backups.restore(source.absolute(), replace=replace)
                problems = backups.catch_up()
        except installation.AlreadyRunning as other:
            raise CommandError(f"Tapedeck is running (process {other}). Stop it first.") from other
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from error
        before = f" What was there before is in {settings.TAPEDECK_DATA / 'replaced'}." if replace else ""
        self.stdout.write(f"{summary.files} files restored.{before}")
        for problem in problems:
            self.stderr.write(problem)
