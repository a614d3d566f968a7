"""What every page shows: the menu and where in it one is, what one may, the version, the host's name."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from webadmin.access import OPERATE, PAGES
from webadmin.audit.record import of_request
from webadmin.scope import may, rights

#: The menu: groups, each with the names of pages and how they are called. Nobody is shown what is not hers.
MENU = (
    ("", (("dashboard", gettext_lazy("Overview")),)),
    (
        gettext_lazy("Mail"),
        (
            ("domains", gettext_lazy("Domains")),
            ("accounts", gettext_lazy("Accounts")),
            ("aliases", gettext_lazy("Aliases")),
            ("groups", gettext_lazy("Groups")),
        ),
    ),
    (
        gettext_lazy("Traffic"),
        (
            ("queue", gettext_lazy("Queue")),
            ("trace", gettext_lazy("Trace")),
            ("rehearsal", gettext_lazy("What if?")),
            ("routes", gettext_lazy("Routes")),
            ("reports", gettext_lazy("Reports")),
        ),
    ),
    (
        gettext_lazy("Security"),
        (
            ("security", gettext_lazy("Security")),
            ("policy", gettext_lazy("Policy")),
            ("certificates", gettext_lazy("Certificates")),
            ("sign-ins", gettext_lazy("Sign-ins")),
            ("administrators", gettext_lazy("Administrators")),
            ("audit", gettext_lazy("Audit")),
        ),
    ),
    (
        gettext_lazy("Settings"),
        (
            ("settings", gettext_lazy("Settings")),
            ("health", gettext_lazy("Health")),
            ("tenants", gettext_lazy("Tenants")),
            ("tokens", gettext_lazy("Tokens")),
            ("webhooks", gettext_lazy("Webhooks")),
            ("docs", gettext_lazy("API")),
        ),
    ),
)
#: That of whoever owns an account.
OWN_MENU = (
    ("", (("home", gettext_lazy("Home")),)),
    (
        gettext_lazy("Mail"),
        (
            ("own-addresses", gettext_lazy("Addresses")),
            ("own-forwarding", gettext_lazy("Forwarding")),
            ("own-vacation", gettext_lazy("Vacation")),
            ("own-private", gettext_lazy("Private mail")),
            ("own-sharing", gettext_lazy("Shared folders")),
            ("own-removed", gettext_lazy("Deleted messages")),
            ("own-export", gettext_lazy("Export")),
            ("own-programs", gettext_lazy("Mail programs")),
        ),
    ),
    (
        gettext_lazy("Security"),
        (
            ("own-apps", gettext_lazy("App passwords")),
            ("own-log", gettext_lazy("Sign-ins")),
            ("mfa_index", gettext_lazy("Sign-in here")),
        ),
    ),
)
#: Pages below one of the menu's whose name does not begin like that one's.
BELOW = {
    "recipient": "queue",
    "alias": "aliases",
    "issuer": "sign-ins",
    "block": "sign-ins",
    "access": "security",
    "app": "accounts",
    "disposable": "accounts",
    "password": "mfa_index",
    "own-app-new": "own-apps",
    "own-app-revoke": "own-apps",
    "own-address-delete": "own-addresses",
    "own-private-step": "own-private",
    "key": "own-private",
    "deliverability": "reports",
}


def page(request: HttpRequest) -> dict[str, object]:
    shown = {"version": settings.VERSION, "hostname": settings.CONFIG.hostname}
    if not request.user.is_authenticated:
        return shown
    who = of_request(request)
    menu = [
        (
            title,
            [(name, label) for name, label in items if name == "docs" or may(who, PAGES.get(name, OPERATE).look)],
        )
        for title, items in (OWN_MENU if who.administrator and who.administrator.account_id else MENU)
    ]
    match = request.resolver_match
    return {
        **shown,
        "menu": [group for group in menu if group[1]],
        "here": _here((match.url_name or "") if match else ""),
        "may": {right.value: True for right in rights(who)},
    }


def _here(name: str) -> str:
    """Of the menu, where the page of this name belongs."""
    names = [one for _, items in (*MENU, *OWN_MENU) for one, _ in items]
    first = name.partition("-")[0]
    if name in names:
        return name
    return BELOW.get(name) or BELOW.get(first) or next((one for one in names if one in (first, f"{first}s")), "")
