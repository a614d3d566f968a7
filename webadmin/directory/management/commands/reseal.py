"""`reseal`: after FACTEUR_SECRET_KEY was changed, what the former one sealed is sealed by the new one."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mailservices.mail import sealing
from webadmin.support.resealing import reseal

#: Names that are shown of what cannot be opened.
SHOWN = 20


class Command(BaseCommand):
    """Seals it, with an entry in the audit."""

    help = "Seal by FACTEUR_SECRET_KEY everything that FACTEUR_FORMER_SECRET_KEY sealed. Stop all services before."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        former = settings.CONFIG.former_secret_key
        if not former:
            raise CommandError("Say the former key: FACTEUR_FORMER_SECRET_KEY, or FACTEUR_FORMER_SECRET_KEY_FILE.")
        if former == settings.CONFIG.secret_key:
            raise CommandError("FACTEUR_FORMER_SECRET_KEY and FACTEUR_SECRET_KEY are the same.")
        told = reseal(sealing.derive(former, b"sealing"), settings.CONFIG.sealing_key)
        self.stdout.write(f"{told.resealed} secrets are sealed by the new key; {told.were} were already.")
        if told.unreadable:
            shown = ", ".join(told.unreadable[:SHOWN])
            raise CommandError(
                f"{len(told.unreadable)} are sealed by neither key and stay as they are: {shown}. "
                "Was another key the former one?"
            )
