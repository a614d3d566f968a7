"""Signing in and out, with a lock against guessing, and changing one's own password."""

import hashlib

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from webadmin.audit.record import record
from webadmin.dashboard.forms import PasswordForm, actor

#: Wrong passwords for one name from one address, after which nobody there may try for so many seconds.
ATTEMPTS = 5
LOCKED_SECONDS = 15 * 60


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """The form. A name that is locked is told so before its password is looked at."""

    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *arguments: object, **more: object) -> HttpResponse:
        if cache.get(self._key(), 0) >= ATTEMPTS:
            context = {"form": self.get_form_class()(request), "locked": LOCKED_SECONDS // 60}
            return render(request, self.template_name, context, status=429)
        return super().post(request, *arguments, **more)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        key = self._key()
        cache.add(key, 0, LOCKED_SECONDS)
        cache.incr(key)
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        cache.delete(self._key())
        return super().form_valid(form)

    def _key(self) -> str:
        whom = f"{self.request.META.get('REMOTE_ADDR')} {self.request.POST.get('username', '')}"
        return f"sign-in:{hashlib.sha256(whom.encode()).hexdigest()}"


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


def password(request: HttpRequest) -> HttpResponse:
    """Change one's own."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _change(request, form):
        messages.success(request, "Your password is changed.")
        return redirect("dashboard")
    return render(request, "form.html", {"form": form, "title": "Change your password", "verb": "Change it"})


def _change(request: HttpRequest, form: Form) -> bool:
    user, new = request.user, form.cleaned_data["new"]
    if not user.check_password(form.cleaned_data["old"]):
        form.add_error("old", "That is not your password.")
        return False
    try:
        validate_password(new, user)  # type: ignore[arg-type]
    except ValidationError as error:
        form.add_error("new", error)
        return False
    user.set_password(new)
    user.save()
    record(actor(request), "change own password", user.get_username())
    # This session stays; all others end.
    update_session_auth_hash(request, user)  # type: ignore[arg-type]
    return True
