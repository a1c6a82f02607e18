"""A fresh installation led to its first open: a list on the administrator's home.

What is done is told by the rows; who does not want the list puts it aside.
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

from shortlinks.admin.accounts import HELP, AccountForm
from shortlinks.admin.base import current_user, is_administrator, is_operator
from shortlinks.domain import onboarding
from shortlinks.domain.onboarding import CompletedSteps
from shortlinks.models import Account, User


@dataclass(frozen=True, slots=True)
class Step:
    """`is_next` is the one to take now."""

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
        # In words of this page: the model's are not translated yet when it is made.
        labels = {
            "name": _("Your company"),
            "subdomain": _("Subdomain"),
            "time_zone": _("Time zone"),
        }
        help_texts = {name: HELP[name] for name in ("subdomain", "time_zone")}


def of(request: HttpRequest) -> list[Step]:
    """Nothing for who has no part in them, and once the list was put aside."""
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
    """From a step that was taken to the next, unless the caller wants another page."""
    stays = "_addanother" in request.POST or "_continue" in request.POST
    if stays or "_popup" in request.POST or not any_left(of(request)):
        return response
    return HttpResponseRedirect(reverse("admin:index"))


def steps(request: HttpRequest) -> HttpResponse:
    """The list alone, asked for every few seconds while it is shown."""
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
    _log_action(request, account, CHANGE, gettext("Put the first steps aside."))
    return HttpResponseRedirect(reverse("admin:index"))


def begin(request: HttpRequest) -> HttpResponse:
    """The first account of an installation; whoever operates it administers it."""
    if not _may_begin(request):
        raise PermissionDenied
    user = current_user(request)
    form = FirstAccountForm(request.POST or None, initial={"language": user.language})
    if request.method == "POST" and form.is_valid():
        account = form.save(commit=False)
        onboarding.create_first_account(account, by=user)
        _log_action(request, account, ADDITION, gettext("Began with it."))
        return HttpResponseRedirect(reverse("admin:index"))
    shared = {**admin.site.each_context(request), "title": gettext("Your account")}
    return render(request, "shortlinks/first_account.html", {**shared, "form": form})


def _may_begin(request: HttpRequest) -> bool:
    is_alone = is_operator(request) and current_user(request).account is None
    return is_alone and onboarding.needs_first_account()


def _log_action(request: HttpRequest, account: Account, flag: int, text: str) -> None:
    LogEntry.objects.log_actions(current_user(request).pk, [account], flag, text)


def _steps(user: User, taken: CompletedSteps) -> Iterator[Step]:
    waiting = [name for name in CompletedSteps.__slots__ if not getattr(taken, name)]
    for name, said in _said(user).items():
        is_next = name in waiting[:1]
        yield Step(is_done=name not in waiting, is_next=is_next, **said)


def _said(user: User) -> dict[str, dict[str, Any]]:
    link = reverse("admin_first_link")
    token = urlencode({"user": user.pk, "name": gettext("My CRM")})
    contact = urlencode({"name": gettext("Me, to try it")})
    return {
        "account": {
            "title": gettext("Your account"),
            "text": gettext("Whose contacts and links these are."),
            "label": gettext("Name it"),
            "address": reverse("admin_first_account"),
        },
        "token": {
            "title": gettext("A token for your CRM"),
            "text": gettext("With it a program makes links and reads the opens."),
            "label": gettext("Issue a token"),
            "address": f"{reverse('admin:shortlinks_apitoken_add')}?{token}",
        },
        "contact": {
            "title": gettext("A contact"),
            "text": gettext("Yourself, to try it. Lists are imported later."),
            "label": gettext("Add a contact"),
            "address": f"{reverse('admin:shortlinks_contact_add')}?{contact}",
        },
        "link": {
            "title": gettext("A short link of the contact"),
            "text": gettext("Each contact has a link of its own."),
            "label": gettext("Make a link"),
            "address": link,
        },
        "open": {
            "title": gettext("Open it in a private window"),
            "text": gettext(
                "This browser is a colleague's, and what colleagues open is not noted."
                " A second after the open it stands below, and here all is done."
            ),
            "label": gettext("Show the link again"),
            "address": link,
        },
    }
