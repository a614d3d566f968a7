"""`first_administrator`: makes the first administrator where there is none, and shows the password once."""

import json
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from webadmin.directory.actions import create_administrator, create_token
from webadmin.directory.models import Administrator

USERNAME = "admin"


class Command(BaseCommand):
    """Does nothing where an administrator exists."""

    help = "Make the first administrator, with a random password and an API token, both shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object for scripts")

    @transaction.atomic
    def handle(self, *_arguments: Any, **options: Any) -> None:
        if Administrator.objects.exists():
            return
        password = secrets.token_urlsafe(12)
        administrator = create_administrator(USERNAME, password)
        _, token = create_token(administrator, "first start")
        if options["json"]:
            facts = {"username": USERNAME, "password": password, "api_token": token}
            self.stdout.write(json.dumps(facts))
        else:
            self.stdout.write(
                f"\n  Administrator  {USERNAME}\n  Password       {password}\n  API token      {token}\n"
                "  Shown this once: sign in and change the password.\n"
            )
