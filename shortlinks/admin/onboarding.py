"""Checklist for a new installation on the administrator's dashboard.

Stored rows decide which steps are complete.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from shortlinks.admin import submissions
from shortlinks.admin.accounts import HELP, AccountForm
from shortlinks.admin.base import current_user, is_administrator, is_operator
from shortlinks.domain import onboarding
from shortlinks.domain.onboarding import CompletedSteps
from shortlinks.models import Account, User


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    text: str
    is_done: bool
    is_next: bool
    label: str = ""
    address: str = ""


class FirstAccountForm(AccountForm):
    class Meta:
        model = Account
        fields = ("name", "subdomain", "language", "time_zone")
        widgets = dict.fromkeys(
            ("name", "subdomain", "time_zone"), UnfoldAdminTextInputWidget
        )
        labels = {"name": _("Your company")}
        help_texts = {name: HELP[name] for name in ("subdomain", "time_zone")}


def of(request: HttpRequest) -> list[Step]:
    """Return the steps, or none for managers and after "Dismiss"."""
    user = current_user(request)
    if not is_administrator(request):
        return []
    if user.account is None:
        return list(_steps(user, CompletedSteps())) if _may_begin(request) else []
    if user.account.onboarding_dismissed_at:
        return []
    return list(_steps(user, onboarding.completed_steps(user.account)))


def any_left(steps: Sequence[Step]) -> bool:
    return any(not step.is_done for step in steps)


def redirect_to_next(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Redirect to the list of steps, unless the user chose another page."""
    stays = "_addanother" in request.POST or "_continue" in request.POST
    if stays or "_popup" in request.POST or not any_left(of(request)):
        return response
    return HttpResponseRedirect(reverse("admin:index"))


def steps(request: HttpRequest) -> HttpResponse:
    """Return the list of steps, which the browser polls."""
    found = of(request)
    context = {"steps": found, "steps_are_open": any_left(found)}
    response = render(request, "shortlinks/onboarding.html", context)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    account = current_user(request).account
    if not is_administrator(request) or account is None:
        raise PermissionDenied
    onboarding.dismiss(account)
    _log_action(request, account, CHANGE, gettext("“Getting started” dismissed."))
    return HttpResponseRedirect(reverse("admin:index"))


def begin(request: HttpRequest) -> HttpResponse:
    """Create the first account, with the operator as its administrator."""
    if request.method == "POST":
        return submissions.once(request, lambda: _begin(request))
    return _begin(request)


def _begin(request: HttpRequest) -> HttpResponse:
    if not _may_begin(request):
        raise PermissionDenied
    user = current_user(request)
    form = FirstAccountForm(request.POST or None, initial={"language": user.language})
    if request.method == "POST" and form.is_valid():
        account = form.save(commit=False)
        onboarding.create_first_account(account, by=user)
        _log_action(
            request, account, ADDITION, gettext("Created as the first account.")
        )
        return HttpResponseRedirect(reverse("admin:index"))
    shared = {**admin.site.each_context(request), "title": gettext("Your account")}
    context = {**shared, "form": form, "form_token": submissions.token(request)}
    return render(request, "shortlinks/first_account.html", context)


def _may_begin(request: HttpRequest) -> bool:
    lacks_account = is_operator(request) and current_user(request).account is None
    return lacks_account and onboarding.needs_first_account()


def _log_action(request: HttpRequest, account: Account, flag: int, text: str) -> None:
    LogEntry.objects.log_actions(current_user(request).pk, [account], flag, text)


def _steps(user: User, done: CompletedSteps) -> Iterator[Step]:
    waiting = [name for name in CompletedSteps.__slots__ if not getattr(done, name)]
    for name, texts in _texts(user).items():
        is_next = name in waiting[:1]
        yield Step(is_done=name not in waiting, is_next=is_next, **texts)


def _texts(user: User) -> dict[str, dict[str, Any]]:
    link = reverse("admin_first_link")
    token = urlencode({"user": user.pk, "name": gettext("My CRM")})
    contact = urlencode({"name": gettext("Me (test)")})
    return {
        "account": {
            "title": gettext("Your account"),
            "text": gettext("All contacts and links belong to an account."),
            "label": gettext("Create account"),
            "address": reverse("admin_first_account"),
        },
        "token": {
            "title": gettext("Token for your CRM"),
            "text": gettext("Your CRM needs it to create links and read opens."),
            "label": gettext("Create a token"),
            "address": f"{reverse('admin:shortlinks_apitoken_add')}?{token}",
        },
        "contact": {
            "title": gettext("Contact"),
            "text": gettext("Add yourself as a test. You can import lists later."),
            "label": gettext("Add a contact"),
            "address": f"{reverse('admin:shortlinks_contact_add')}?{contact}",
        },
        "link": {
            "title": gettext("Short link"),
            "text": gettext("Each contact gets its own link."),
            "label": gettext("Create a link"),
            "address": link,
        },
        "open": {
            "title": gettext("Open in a private window"),
            "text": gettext(
                "Opens in this browser count as staff. Open the link in a private"
                " window: within seconds, the open appears below."
            ),
            "label": gettext("Show the link again"),
            "address": link,
        },
    }
