"""Gives an operator a new password, for whoever has forgotten it."""

from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser
from django.db import DatabaseError

from dashboard import operators


class Command(BaseCommand):
    help = "Gives an operator a new generated password and prints it; an operator that does not exist is made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", default=operators.FIRST_OPERATOR)

    def handle(self, *args: object, username: str, **options: object) -> None:
        del args, options
        try:
            password = operators.reset(username)
        except DatabaseError as error:
            raise CommandError(
                f"The database is not ready ({error}). Start Tapedeck once, or see DATABASE_URL."
            ) from error
        self.stdout.write(f"user: {username}  password: {password}")
