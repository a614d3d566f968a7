"""Signing in, and one's own sign-in: password, second factors, sessions."""

from allauth.account.views import LoginView
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webadmin.audit.record import record
from webadmin.dashboard.forms import PasswordForm, actor
from webadmin.directory import actions
from webadmin.scope import Right, may


class SignIn(LoginView):
    """The form. Who has failed too often is told so, whatever the password."""

    def form_invalid(self, form: Form) -> HttpResponse:
        blocked = form.has_error("__all__", "blocked")
        context = self.get_context_data(form=form, blocked=blocked)
        return render(self.request, self.template_name, context, status=429 if blocked else 200)


def me(request: HttpRequest) -> HttpResponse:
    """Everything about one's own sign-in."""
    factors = Authenticator.objects.filter(user=request.user)
    codes = factors.filter(type=Authenticator.Type.RECOVERY_CODES).first()
    sessions = UserSession.objects.purge_and_list(request.user)  # type: ignore[arg-type]
    context = {
        "title": gettext("Your sign-in"),
        "totp": factors.filter(type=Authenticator.Type.TOTP).first(),
        "passkeys": factors.filter(type=Authenticator.Type.WEBAUTHN).count(),
        "codes": len(codes.wrap().get_unused_codes()) if codes else None,
        "sessions": sorted(sessions, key=lambda one: one.created_at, reverse=True),
    }
    return render(request, "me.html", context)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """One session ends."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    session.end()
    record(actor(request), "end session", str(request.user), before={"from": session.ip})
    messages.success(request, gettext("That session is ended."))
    return redirect("mfa_index")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """All sessions end but this one."""
    others = UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key)
    count = others.count()
    for session in others:
        session.end()
    record(actor(request), "end other sessions", str(request.user), before={"sessions": count})
    messages.success(request, gettext("You are signed out everywhere else."))
    return redirect("mfa_index")


def password(request: HttpRequest) -> HttpResponse:
    """Change one's own."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _change(request, form):
        messages.success(request, gettext("Your password is changed, and you are signed out everywhere else."))
        return redirect("dashboard" if may(actor(request), Right.LOOK) else "home")
    context = {
        "form": form,
        "title": gettext("Change your password"),
        "verb": gettext("Change it"),
        "back": "mfa_index",
    }
    return render(request, "form.html", context)


def _change(request: HttpRequest, form: Form) -> bool:
    user, new = request.user, form.cleaned_data["new"]
    if not user.check_password(form.cleaned_data["old"]):
        form.add_error("old", gettext("That is not your password."))
        return False
    try:
        validate_password(new, user)  # type: ignore[arg-type]
        if user.account:  # type: ignore[union-attr]
            actions.change_own_password(actor(request), user.account, new)  # type: ignore[union-attr]
    except ValidationError as error:
        form.add_error("new", error.messages)
        return False
    if not user.account:  # type: ignore[union-attr]
        user.set_password(new)
        user.save()
        record(actor(request), "change own password", user.get_username())
    # This session stays; all others end.
    update_session_auth_hash(request, user)  # type: ignore[arg-type]
    return True
