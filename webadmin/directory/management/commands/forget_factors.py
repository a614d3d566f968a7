"""`forget_factors NAME`: for whoever has lost second factors and recovery codes: the password alone signs in."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from webadmin.audit.record import OPERATOR, record
from webadmin.directory.models import Administrator


class Command(BaseCommand):
    """Forgets them, with an entry in the audit."""

    help = "Forget the second factors of an administrator, or of an account's owner by its address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    @transaction.atomic
    def handle(self, *_arguments: Any, **options: Any) -> None:
        name = options["name"]
        field = "account__address" if "@" in name else "username"
        person = Administrator.objects.filter(**{field: name}).first()
        if person is None:
            raise CommandError(f"Nobody called {name} has signed in here.")
        count = Authenticator.objects.filter(user=person).count()
        Authenticator.objects.filter(user=person).delete()
        record(OPERATOR, "forget second factors", str(person), before={"factors": count})
        self.stdout.write(f"{person} signs in by the password alone; {count} factors are forgotten.")
