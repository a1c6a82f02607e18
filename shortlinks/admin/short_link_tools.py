"""Short links made by hand for chosen contacts, and looked up by operators.

The one page of the admin that shows short links, to administrators, once: managers have
no way here. Each sight is written down, without the link itself.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from shortlinks.admin import onboarding
from shortlinks.admin.base import current_user, is_administrator, is_operator
from shortlinks.domain.links import link_requests, short_links, urls
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.models import Contact, ShortLink, User

MAX_CONTACTS = 250
MAX_REMEMBERED = 50
SHOWN = "short_links_shown"
CODE = re.compile(r"[1-9A-HJ-NP-Za-km-z]{12}")
NOT_KEPT = "private, no-store"
TITLES = {
    "create_links.html": _("Create short links"),
    "created_links.html": _("Short links"),
    "link_lookup.html": _("Whose link?"),
}


@dataclass(frozen=True, slots=True)
class NewShortUrl:
    contact: Contact
    short_url: str


class UrlForm(forms.Form):
    url = forms.CharField(
        label=_("Where the links lead"),
        max_length=urls.MAX_URL_LENGTH,
        widget=UnfoldAdminTextInputWidget,
    )
    # One sight of the links for each; a page that is sent again shows none.
    form_token = forms.UUIDField(widget=forms.HiddenInput)

    def clean_url(self) -> urls.SafeUrl:
        try:
            return urls.parse(self.cleaned_data["url"], urls.policy())
        except urls.UrlRejected as rejected:
            raise forms.ValidationError(
                _("A short link cannot lead there: %(why)s"),
                params={"why": rejected.detail},
            ) from None


class CodeForm(forms.Form):
    link = forms.CharField(
        label=_("Short link or its code"),
        max_length=urls.MAX_URL_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def code(self) -> str:
        given: str = self.cleaned_data["link"].strip()
        last = urlsplit(given).path.rsplit("/", 1)[-1]
        return last if CODE.fullmatch(last) else ""


def may_create(request: HttpRequest) -> bool:
    return is_administrator(request) and current_user(request).account_id is not None


def create(request: HttpRequest, contacts: Sequence[Contact]) -> HttpResponse:
    """An action's page: asks for the url, then shows the links that were made."""
    if not may_create(request):
        raise PermissionDenied
    if "url" not in request.POST:
        form = UrlForm(initial={"form_token": uuid.uuid4()})
        return _page(request, "create_links.html", {"form": form, "rows": contacts})
    form = UrlForm(request.POST)
    if not form.is_valid():
        return _page(request, "create_links.html", {"form": form, "rows": contacts})
    if not _is_first(request, str(form.cleaned_data["form_token"])):
        text = gettext("These links were shown already; make them anew if need be.")
        messages.error(request, text)
        return HttpResponseRedirect(reverse("admin:shortlinks_contact_changelist"))
    url: urls.SafeUrl = form.cleaned_data["url"]
    made = _create_links(url, contacts, current_user(request))
    _log_action(request, [each.contact for each in made], url.given)
    context = {"made": made, "url": url.given}
    steps = {"steps_are_open": onboarding.any_left(onboarding.of(request))}
    return _page(request, "created_links.html", {**context, **steps})


def first_link(request: HttpRequest) -> HttpResponse:
    """For the newest contact: the one that was just added to try it on."""
    if not may_create(request):
        raise PermissionDenied
    own = Contact.objects.visible_to(current_user(request)).order_by("-pk")
    newest = list(own[:1])
    if not newest:
        return HttpResponseRedirect(reverse("admin:shortlinks_contact_add"))
    return create(request, newest)


def lookup_link(request: HttpRequest) -> HttpResponse:
    """Whose link is this? By POST, so that no log has the code."""
    if not is_operator(request):
        raise PermissionDenied
    form = CodeForm(request.POST or None)
    found, asked = None, False
    if request.method == "POST" and form.is_valid():
        asked = True
        rows = ShortLink.objects.select_related("account", "contact__merged_into")
        found = rows.filter(code=form.code()).first()
    if found:
        text = gettext("Looked up by its short link.")
        LogEntry.objects.log_actions(current_user(request).pk, [found], CHANGE, text)
    context = {"form": CodeForm(), "found": found, "asked": asked}
    return _page(request, "link_lookup.html", context)


def _create_links(
    url: urls.SafeUrl, contacts: Sequence[Contact], user: User
) -> Sequence[NewShortUrl]:
    by_id = {contact.entity_id: contact for contact in contacts}
    grants = link_requests.authorize(
        [LinkRequest(url, entity_id) for entity_id in by_id], user
    )
    return [
        NewShortUrl(
            by_id[link.entity_id], f"{urls.short_base_url(link.host)}/{link.code}"
        )
        for link in short_links.create(grants)
    ]


def _log_action(request: HttpRequest, contacts: Sequence[Contact], url: str) -> None:
    text = gettext("Made a short link to %(url)s and saw it.") % {"url": url}
    LogEntry.objects.log_actions(current_user(request).pk, contacts, CHANGE, text)


def _is_first(request: HttpRequest, ticket: str) -> bool:
    used: list[str] = request.session.get(SHOWN, [])
    if ticket in used:
        return False
    request.session[SHOWN] = [*used, ticket][-MAX_REMEMBERED:]
    return True


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    shared = {**admin.site.each_context(request), "title": TITLES[name]}
    response = render(request, f"shortlinks/{name}", {**shared, **context})
    response.headers["Cache-Control"] = NOT_KEPT
    return response
