"""Who signs in: administrators by their names, owners of accounts by addresses and mail passwords.

allauth carries out the steps (password, second factor, passkey, identity provider); here stands what is ours about
them: the limits are those of the mail servers, secrets are sealed, and what was done is in the audit.
"""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from mailservices.mail import sealing
from mailservices.mail.address import parse
from mailservices.mail.errors import ProtocolError
from webadmin import engine
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account, Administrator, Role

#: What allauth calls a change of a second factor -> how the audit does.
CHANGES = {
    "totp_activated": "switch authenticator app on",
    "totp_deactivated": "switch authenticator app off",
    "webauthn_added": "add passkey",
    "webauthn_removed": "remove passkey",
    "recovery_codes_generated": "make recovery codes",
}
SEALED_FOR = b"second factor"


def _where(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")


class People(ModelBackend):
    """Administrators, and owners of accounts, whose row is made when they first sign in."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_more: Any
    ) -> Administrator | None:
        if username is None or password is None:
            return None
        person = self._find(username.strip())
        if person is None:
            # As long as it takes where there is one.
            Administrator().set_password(password)
            return None
        return person if person.check_password(password) and self.user_can_authenticate(person) else None

    def _find(self, name: str) -> Administrator | None:
        if "@" not in name:
            return Administrator.objects.exclude(role=Role.USER).filter(username=name).first()
        try:
            address = parse(name)
        except ProtocolError:
            return None
        living = Account.objects.filter(address=f"{address.key}@{address.domain}", deleted_at__isnull=True)
        account = living.select_related("domain").first()
        return None if account is None else owner_of(account)

    def user_can_authenticate(self, user: Any) -> bool:
        account = user.account
        owns = account is None or (account.active and account.domain.active and account.deleted_at is None)
        return bool(user.is_active and owns)

    def get_user(self, user_id: Any) -> Administrator | None:
        user = Administrator.objects.select_related("account__domain").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def owner_of(account: Account) -> Administrator:
    """The user of an account; its name there is never shown."""
    values = {"username": f"account {account.pk}", "role": Role.USER}
    with transaction.atomic():
        return Administrator.objects.get_or_create(account=account, defaults=values)[0]


class AccountAdapter(DefaultAccountAdapter):
    """How people sign in."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Who it is; None where name and password do not fit. Nothing is looked at where too much has failed."""
        name, peer = str(credentials.get("username", "")).strip().lower()[:320], _where(request)
        if not engine.admitted(peer, name):
            raise ValidationError(gettext("Too many wrong passwords: try again later."), code="blocked")
        user = authenticate(request, **credentials)
        if user is None:
            engine.failed(peer, name)
        else:
            engine.succeeded(peer, name)
        return user

    def reauthenticate(self, user: Any, password: str) -> bool:
        found = self.authenticate(self.request, username=str(user), password=password)
        return found is not None and found.pk == user.pk

    def get_client_ip(self, request: HttpRequest) -> str:
        return _where(request)

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        answer: HttpResponse = super().post_login(request, user, **more)
        used = [one.get("method", "") for one in request.session.get("account_authentication_methods", [])]
        record(Actor(user, _where(request) or None), "sign in", str(user), after={"by": used})
        return answer

    def add_message(self, *_arguments: Any, **_named: Any) -> None:
        """Pages say it themselves."""

    def send_notification_mail(self, template_prefix: str, user: Any, *_arguments: Any, **_named: Any) -> None:
        """Called for each change of a second factor: it goes into the audit."""
        verb = CHANGES.get(template_prefix.rpartition("/")[2])
        if verb:
            record(Actor(user, _where(self.request) or None), verb, str(user))


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: their secrets are sealed."""

    def encrypt(self, text: str) -> str:
        sealed = sealing.seal(settings.CONFIG.sealing_key, text.encode(), SEALED_FOR)
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        sealed = base64.b64decode(encrypted_text)
        return sealing.unseal(settings.CONFIG.sealing_key, sealed, SEALED_FOR).decode()

    def get_totp_label(self, user: Any) -> str:
        return str(user)

    def get_totp_issuer(self) -> str:
        return f"Facteur {settings.CONFIG.hostname}"

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {
            **super().get_public_key_credential_user_entity(user),
            "name": str(user),
            "display_name": str(user),
        }


class ProviderAdapter(DefaultSocialAccountAdapter):
    """An identity provider (OpenID Connect): it signs in who has the address that it vouches for."""

    def is_open_for_signup(self, _request: HttpRequest, _sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.is_existing:
            return
        told: dict[str, Any] = {}
        for part in (sociallogin.account.extra_data or {}).values():
            told |= part if isinstance(part, dict) else {}
        email = str(told.get("email", "")).strip().lower()
        # OpenID Connect Core §5.1: what is not verified may be anybody's.
        person = (
            Administrator.objects.filter(email=email).first() if email and told.get("email_verified") else None
        )
        if person is None:
            messages.error(
                request,
                gettext("No administrator here has the verified address {what}.").format(what=email or "(none)"),
            )
            raise ImmediateHttpResponse(redirect("account_login"))
        sociallogin.connect(request, person)
        record(
            Actor(person, _where(request) or None), "link identity provider", str(person), after={"email": email}
        )
