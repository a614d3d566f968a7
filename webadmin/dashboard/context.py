"""What every page shows: the menu and where in it one is, the version, the host's name."""

from django.conf import settings
from django.http import HttpRequest

MENU = (
    ("dashboard", "Overview"),
    ("domains", "Domains"),
    ("accounts", "Accounts"),
    ("aliases", "Aliases"),
    ("policy", "Policy"),
    ("sign-ins", "Sign-ins"),
    ("queue", "Queue"),
    ("trace", "Trace"),
    ("audit", "Audit"),
    ("docs", "API"),
)


def page(request: HttpRequest) -> dict[str, object]:
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    singular = {"recipient": "queue", "alias": "aliases", "issuer": "sign-ins", "app": "accounts"}
    first = name.partition("-")[0]
    here = (
        name
        if name in dict(MENU)
        else singular.get(first) or next((one for one, _ in MENU if one in (first, f"{first}s")), "")
    )
    return {"menu": MENU, "here": here, "version": settings.VERSION, "hostname": settings.CONFIG.hostname}
