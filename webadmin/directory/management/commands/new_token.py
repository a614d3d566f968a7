"""`new_token USERNAME LABEL`: a further API token, shown once, for whoever has lost the first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webadmin.directory.actions import create_token
from webadmin.directory.models import Administrator


class Command(BaseCommand):
    """Makes a token and prints it, and nothing else."""

    help = "Make an API token for an administrator; it is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("label", help="what it is for")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        administrator = Administrator.objects.filter(username=options["username"]).first()
        if administrator is None:
            raise CommandError(f"There is no administrator {options['username']}.")
        _, text = create_token(administrator, options["label"])
        self.stdout.write(text)
