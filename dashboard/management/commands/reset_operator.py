"""Gives an operator a new password, for whoever has forgotten it."""

from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser
from django.db import DatabaseError

from dashboard import operators


class Command(BaseCommand):
    help = "Gives an operator a new generated password and prints it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", default=operators.FIRST_OPERATOR)
        parser.add_argument("--create", action="store_true", help="Make the operator, who may then do everything.")

    def handle(self, *args: object, username: str, create: bool, **options: object) -> None:
        del args, options
        try:
            if not create and not operators.is_known(username):
                raise CommandError(
                    f"There is no operator “{username}”. Check the name; to make a new one who may do everything, add"
                    " --create."
                )
            password = operators.reset(username)
        except DatabaseError as error:
            raise CommandError(
                f"The database is not ready ({error}). Start Tapedeck once, or see DATABASE_URL."
            ) from error
        self.stdout.write(f"user: {username}  password: {password}")
