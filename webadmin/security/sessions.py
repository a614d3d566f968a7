"""An account's sessions at the mail servers: when it last signed in, and how they are ended."""

from datetime import timedelta

from django.utils import timezone

from mailservices.mail.vocabulary import SignInOutcome
from webadmin.directory.models import Account
from webadmin.security.models import SignIn, SignOut

#: The servers look far more often.
KEPT = timedelta(hours=1)


def end_sessions(account: Account) -> None:
    """By IMAP, POP3 and SMTP, within seconds; a part of verbs after which nobody may go on as before."""
    SignOut.objects.filter(at__lt=timezone.now() - KEPT).delete()
    SignOut.objects.create(account_id=account.pk)


def last_sign_ins(account: Account) -> list[SignIn]:
    """The last one by each protocol, of the last weeks."""
    found = SignIn.objects.filter(account_id=account.pk, outcome=SignInOutcome.ACCEPTED)
    return list(found.order_by("protocol", "-at").distinct("protocol"))
