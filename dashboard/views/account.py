"""Sign-in, sign-out, the password, and the looks that a browser remembers."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import OperatorRequest, Verb, may
from dashboard.chrome import THEME_COOKIE, THEMES

THEME_SECONDS = 400 * 86_400
"""The longest that browsers keep a cookie."""


@method_decorator(login_not_required, name="dispatch")
class SignIn(auth_views.LoginView):
    """A session that has begun elsewhere in this browser goes straight on."""

    template_name = "account/sign_in.html"
    redirect_authenticated_user = True


class ChangePassword(auth_views.PasswordChangeView):
    """Changes the password and keeps this session; the user's other sessions end."""

    template_name = "account/password.html"
    success_url = reverse_lazy("profile")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, _("Your password was changed."))
        return super().form_valid(form)


@require_GET
def profile(request: OperatorRequest) -> HttpResponse:
    """Who one is here, what one may do, and how the pages look."""
    granted = [verb for verb in Verb if may(request.user, verb)]
    withheld = [verb for verb in Verb if verb not in granted]
    context = {"granted": granted, "withheld": withheld, "groups": request.user.groups.all()}
    return render(request, "account/profile.html", context)


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remembers light, dark or automatic in this browser, and goes back."""
    wanted = request.POST.get("theme", "auto")
    target = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(target if safe else "/")
    if wanted in THEMES:
        response.set_cookie(
            THEME_COOKIE, wanted, max_age=THEME_SECONDS, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
    return response
