"""What every page shows: the menu and where in it one is, what one may, the version, the host's name."""

from django.conf import settings
from django.http import HttpRequest

from webadmin.access import OPERATE, PAGES
from webadmin.audit.record import of_request
from webadmin.scope import may, rights

#: The menu: groups, each with the names of pages and how they are called. Nobody is shown what is not hers.
MENU = (
    ("", (("dashboard", "Overview"),)),
    ("Mail", (("domains", "Domains"), ("accounts", "Accounts"), ("aliases", "Aliases"))),
    (
        "Traffic",
        (
            ("queue", "Queue"),
            ("trace", "Trace"),
            ("rehearsal", "What if?"),
            ("routes", "Routes"),
            ("reports", "Reports"),
        ),
    ),
    (
        "Security",
        (
            ("security", "Security"),
            ("policy", "Policy"),
            ("certificates", "Certificates"),
            ("sign-ins", "Sign-ins"),
            ("administrators", "Administrators"),
            ("audit", "Audit"),
        ),
    ),
    (
        "Settings",
        (
            ("settings", "Settings"),
            ("health", "Health"),
            ("tenants", "Tenants"),
            ("tokens", "Tokens"),
            ("webhooks", "Webhooks"),
            ("docs", "API"),
        ),
    ),
)
#: That of whoever owns an account.
OWN_MENU = (
    ("", (("home", "Home"),)),
    (
        "Mail",
        (
            ("own-addresses", "Addresses"),
            ("own-forwarding", "Forwarding"),
            ("own-vacation", "Vacation"),
            ("own-removed", "Deleted messages"),
            ("own-export", "Export"),
            ("own-programs", "Mail programs"),
        ),
    ),
    ("Security", (("own-apps", "App passwords"), ("own-log", "Sign-ins"), ("mfa_index", "Sign-in here"))),
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
