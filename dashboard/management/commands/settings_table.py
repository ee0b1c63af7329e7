"""Prints the settings table that stands in the README."""

from django.core.management import BaseCommand

from dashboard import variables


class Command(BaseCommand):
    help = "Prints every environment variable with its meaning, what is allowed, and its default, as Markdown."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        del args, options
        self.stdout.write(variables.markdown_table())
