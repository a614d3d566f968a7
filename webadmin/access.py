"""Which right every page and every operation of the API asks for, and the gates that see to it.

What is not named here is the appliance's administrators' alone; a test fails until it is named. What one sees and
changes behind the gate is scope.py's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_lazy

from webadmin.audit.record import of_request
from webadmin.scope import Right, may, within

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Rule:
    """The right to look, and the right to change."""

    look: Right
    change: Right

    def asks(self, method: str | None) -> Right:
        return self.look if method in SAFE else self.change


OWN = Rule(Right.OWN, Right.OWN)
HELP = Rule(Right.LOOK, Right.RESET)
LOOK = Rule(Right.LOOK, Right.LOOK)
SEEN = Rule(Right.LOOK, Right.MANAGE)
MANAGE = Rule(Right.MANAGE, Right.MANAGE)
RESET = Rule(Right.RESET, Right.RESET)
DELEGATE = Rule(Right.DELEGATE, Right.DELEGATE)
OPERATE = Rule(Right.OPERATE, Right.OPERATE)

#: The name of a page's URL -> what it asks for.
PAGES: dict[str, Rule] = {
    # Whoever may not look is led to her own pages.
    "dashboard": Rule(Right.OWN, Right.LOOK),
    "traffic": LOOK,
    "live": LOOK,
    "password": OWN,
    # Of whoever owns an account; others are led to their sign-in.
    "home": OWN,
    "own-log": OWN,
    "own-sign-out": OWN,
    "own-apps": OWN,
    "own-app-new": OWN,
    "own-app-revoke": OWN,
    "own-programs": OWN,
    "own-apple": OWN,
    "own-removed": OWN,
    "own-sharing": OWN,
    "own-export": OWN,
    "own-recovery": OWN,
    "own-forwarding": OWN,
    "own-vacation": OWN,
    "own-addresses": OWN,
    "own-address-delete": OWN,
    "own-private": OWN,
    "own-private-step": OWN,
    # Whose it is says who may change it: the verbs ask.
    "key": OWN,
    "key-act": OWN,
    "key-public": OWN,
    "key-private": OWN,
    "key-request": OWN,
    "key-request-discard": OWN,
    "mfa_index": OWN,
    "mfa_activate_totp": OWN,
    "mfa_deactivate_totp": OWN,
    "mfa_view_recovery_codes": OWN,
    "mfa_generate_recovery_codes": OWN,
    "mfa_download_recovery_codes": OWN,
    "mfa_list_webauthn": OWN,
    "mfa_add_webauthn": OWN,
    "mfa_edit_webauthn": OWN,
    "mfa_remove_webauthn": OWN,
    "mfa_reauthenticate": OWN,
    "mfa_reauthenticate_webauthn": OWN,
    "account_reauthenticate": OWN,
    "session-end": OWN,
    "sessions-end": OWN,
    "domains": Rule(Right.LOOK, Right.DELEGATE),
    "domain": SEEN,
    "domain-delete": DELEGATE,
    "domain-dkim": SEEN,
    "report-mailbox": SEEN,
    "domain-policy": SEEN,
    "domain-records": LOOK,
    "domain-zone": LOOK,
    "records-all": OPERATE,
    "domain-sts": SEEN,
    "domain-private": SEEN,
    "domain-private-step": MANAGE,
    "blocklists": OPERATE,
    "accounts": LOOK,
    "account-new": MANAGE,
    "account": HELP,
    "account-pop": SEEN,
    "account-held": SEEN,
    "account-private": SEEN,
    "account-private-step": MANAGE,
    "disposable-new": SEEN,
    "account-delete": MANAGE,
    "account-rename": MANAGE,
    "account-sign-out": RESET,
    "accounts-act": MANAGE,
    "accounts-import": MANAGE,
    "accounts-import-one": MANAGE,
    "accounts-deleted": MANAGE,
    "account-sharing": MANAGE,
    "account-undelete": MANAGE,
    "app-password-new": MANAGE,
    "app-password-revoke": HELP,
    "aliases": LOOK,
    "alias-new": MANAGE,
    "alias": SEEN,
    "alias-delete": MANAGE,
    "groups": LOOK,
    "group-new": MANAGE,
    "group": SEEN,
    "sign-ins": LOOK,
    "block-lift": HELP,
    "issuer-new": OPERATE,
    "issuer": OPERATE,
    "issuer-delete": OPERATE,
    "queue": LOOK,
    "queue-act": SEEN,
    "queue-suppressed": OPERATE,
    "queue-lift": OPERATE,
    "recipient": LOOK,
    "recipient-content": OPERATE,
    "job": LOOK,
    "job-state": LOOK,
    "routes": OPERATE,
    "route-new": OPERATE,
    "route-pools": OPERATE,
    "route-pooled": OPERATE,
    "route-unpool": OPERATE,
    "route": OPERATE,
    "route-delete": OPERATE,
    "reports": LOOK,
    "reports-tls": LOOK,
    "deliverability": LOOK,
    "reports-chart": LOOK,
    "report-dmarc": LOOK,
    "report-tls": LOOK,
    "policy": OPERATE,
    "policy-remove": OPERATE,
    "certificates": OPERATE,
    "mail-roots": OPERATE,
    "mail-root-remove": OPERATE,
    "certificate-remove": OPERATE,
    "webhooks": OPERATE,
    "webhook-new": OPERATE,
    "webhook": OPERATE,
    "webhook-act": OPERATE,
    "rehearsal": LOOK,
    "security": OPERATE,
    "settings": OPERATE,
    "health": OPERATE,
    "health-bundle": OPERATE,
    "access-remove": OPERATE,
    "trace": LOOK,
    "trace-one": LOOK,
    "trace-text": LOOK,
    "trace-share": LOOK,
    "audit": MANAGE,
    "administrators": DELEGATE,
    "administrator-new": DELEGATE,
    "administrator": DELEGATE,
    "administrator-delete": DELEGATE,
    "tenants": OPERATE,
    "tenant-new": OPERATE,
    "tenant": OPERATE,
    "tenant-delete": OPERATE,
    "tokens": LOOK,
    "token-new": LOOK,
    "token-revoke": LOOK,
}

# "docs", the API's interactive page, is open to strangers; what it tries asks for what the API asks.

#: The basename of a viewset, or that and one of its actions -> what it asks for.
API: dict[str, Rule] = {
    "domain": SEEN,
    "domain.create": DELEGATE,
    "domain.destroy": DELEGATE,
    "account": SEEN,
    "account.partial_update": HELP,
    "account-life": MANAGE,
    "account-life.sign_out": RESET,
    "deleted-account": MANAGE,
    "account-import": MANAGE,
    "alias": SEEN,
    "group": SEEN,
    "dkim-key": SEEN,
    "domain-record": LOOK,
    "mta-sts-policy": SEEN,
    "blocklist-entry": OPERATE,
    "certificate": OPERATE,
    "mail-root": OPERATE,
    "inbound-policy": SEEN,
    "dns-list": OPERATE,
    "trusted-network": OPERATE,
    "trusted-sealer": OPERATE,
    "reception-limit": OPERATE,
    "withheld-capability": SEEN,
    # An owner's own, too: whose else they are changed, the verbs ask.
    "app-password": OWN,
    "forwarding": OWN,
    "vacation": OWN,
    "removed-message": OWN,
    "shared-folder": OWN,
    "export": OWN,
    "recovery-address": OWN,
    "privacy-key": OWN,
    "certificate-request": OWN,
    "private-mail": OWN,
    "domain-private-mail": SEEN,
    "key-directory": SEEN,
    "issuer": OPERATE,
    "block": HELP,
    "recipient": SEEN,
    "suppression": OPERATE,
    "route": OPERATE,
    "source-address": OPERATE,
    "webhook": OPERATE,
    "webhook-delivery": OPERATE,
    "report-mailbox": SEEN,
    "dmarc-report": LOOK,
    "tls-report": LOOK,
    "deliverability": LOOK,
    "traceevent": LOOK,
    "message": LOOK,
    "access-rule": OPERATE,
    "setting": OPERATE,
    "health": OPERATE,
    "mail-sign-in": LOOK,
    "rehearsal": LOOK,
    "job": LOOK,
    "entry": MANAGE,
    "state": SEEN,
    "tenant": OPERATE,
    "administrator": DELEGATE,
    "token": LOOK,
}


class SignInFirst(LoginRequiredMiddleware):
    """Middleware: whoever has not signed in is led to where one does; a stream of events can be led nowhere."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        led = super().process_view(request, view_func, view_args, view_kwargs)
        if led is not None and request.headers.get("Accept") == "text/event-stream":
            # HTML §9.2.3: it does not come again.
            return HttpResponse(status=204)
        return led


class Gate:
    """Middleware, behind that which asks people to sign in: the page is not shown without its right."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _arguments: Any, _named: Any) -> None:
        if request.path.startswith("/api/") or not getattr(view, "login_required", True):
            return
        match = request.resolver_match
        rule = PAGES.get(match.url_name or "", OPERATE) if match else OPERATE
        if not may(of_request(request), rule.asks(request.method)):
            raise PermissionDenied(gettext("Your role does not include this page."))


class Permitted:
    """The same of the API; a permission of its framework."""

    message = gettext_lazy("Your role, or this token, does not include this.")

    def has_permission(self, request: Any, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        basename, action = getattr(view, "basename", ""), getattr(view, "action", "")
        rule = API.get(f"{basename}.{action}") or API.get(basename, OPERATE)
        return may(of_request(request), rule.asks(request.method))

    def has_object_permission(self, _request: Any, _view: Any, _row: Model) -> bool:
        return True


class WithinReach:
    """What no viewset shows or changes is what is beyond reach; a filter of the API's framework.

    The framework asks its filters for the schema, too: a viewset names in `filters` what its lists are asked by.
    """

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], _view: Any) -> QuerySet[Any]:
        return within(of_request(request), queryset)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        text = {"type": "string"}
        return [{"name": name, "in": "query", "schema": text} for name in getattr(view, "filters", ())]
