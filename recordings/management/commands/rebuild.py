"""`manage.py rebuild`: the rows anew from the manifests in the archive. Exit code 1 when one could not be used."""

import sys

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from recordings import rebuild


class Command(BaseCommand):
    help = (
        "Makes the rows of all recordings anew from the manifests in the archive; rows that are there stay as they are."
    )

    def handle(self, *arguments: object, **options: object) -> None:
        del arguments, options
        try:
            _migrate()
        except DatabaseError as error:
            raise CommandError(f"The database does not answer; see DATABASE_URL. {error}") from error
        report = rebuild.rebuild()
        self.stdout.write(
            f"{report.rebuilt} recordings with {report.files} files rebuilt, {report.known_already} were there already."
        )
        if report.joined:
            self.stdout.write(f"{report.joined} entries that were made anew since were joined with them.")
        for problem in report.problems:
            self.stderr.write(problem)
        if report.problems:
            sys.exit(1)


def _migrate() -> None:
    """A database that was lost has no tables yet, and one of an earlier version not all of them."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
