"""Words that are kept in the database, or come from the engine, and are shown as they are: for translators.

Templates translate them by their names, so they must stand where the catalogue is gathered from.
"""

from django.utils.translation import gettext_noop as _

#: States of recipients, jobs, hooks' calls; kinds of trace rows; what came of a sign-in or a look into the DNS.
STATES = (
    _("waiting"), _("leased"), _("held"), _("relayed"), _("delivered"), _("expanded"), _("failed"), _("expired"),
    _("cancelled"), _("refused"), _("accepted"), _("queued"), _("deferred"), _("bounced"), _("reported"),
    _("complained"), _("running"), _("done"), _("prepared"), _("told"), _("blocked"), _("released"), _("found"),
    _("wrong"), _("missing"), _("unknown"),
)  # fmt: skip
#: Where keys for private mail come from, and how far they are trusted (mailservices/mail/vocabulary.py).
KEYS = (
    _("uploaded"), _("generated"), _("wkd"), _("autocrypt"), _("signed"), _("own"), _("verified"), _("seen"),
)  # fmt: skip
#: How a part of the appliance fares.
FARES = (_("well"), _("look"), _("bad"))
#: Steps of a rehearsal (mailservices/smtp/rehearsal.py) and their outcomes.
STEPS = (
    _("Reverse DNS"), _("Greeting"), _("DNS lists"), _("Greylisting"), _("Header limits"), _("Mail loop"),
    _("DKIM and ARC"), _("Connection"), _("Sign-in"), _("Sender"), _("Recipient"), _("Size"), _("Rate"),
    _("Mailbox"), _("Network"), _("Policy"), _("Message"), _("Delivery"), _("accept"), _("refuse"), _("note"),
    _("later"), _("junk"), _("pass"),
)  # fmt: skip
#: What is blocked after too many wrong passwords.
LIMITS = (_("account"), _("address"), _("network"))
