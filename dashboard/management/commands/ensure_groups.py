"""Creates the groups viewer, operator and administrator; `run` does it at every start."""

from django.core.management import BaseCommand

from dashboard import operators


class Command(BaseCommand):
    help = "Creates the groups that bundle the permissions, where they are missing."

    def handle(self, *args: object, **options: object) -> None:
        del args, options
        operators.ensure_groups()
        self.stdout.write(f"Groups: {', '.join(operators.VERBS)}")
