"""Pages that create short links for contacts, and that look up the contact of a link.

Only the result of creating shows short links, and only to administrators. The history
of each contact records that a link was shown, without the link itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
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

from shortlinks.admin import onboarding, submissions
from shortlinks.admin.base import current_user, is_administrator, is_operator
from shortlinks.domain import quotas
from shortlinks.domain.links import link_creation, link_requests, urls
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.domain.quotas import QuotaReached
from shortlinks.models import Contact, ShortLink, User

MAX_CONTACTS = 250
CODE = re.compile(r"[1-9A-HJ-NP-Za-km-z]{12}")
TITLES = {
    "create_links.html": _("Create short links"),
    "created_links.html": _("Short links"),
    "link_lookup.html": _("Look up a link"),
}


@dataclass(frozen=True, slots=True)
class NewShortUrl:
    contact: Contact
    short_url: str


class UrlForm(forms.Form):
    url = forms.CharField(
        label=_("Target URL"),
        max_length=urls.MAX_URL_LENGTH,
        widget=UnfoldAdminTextInputWidget,
    )

    def clean_url(self) -> urls.SafeUrl:
        try:
            return urls.parse(self.cleaned_data["url"], urls.policy())
        except urls.UrlRejected as rejected:
            raise forms.ValidationError(
                _("A short link cannot lead to this URL. %(why)s"),
                params={"why": gettext(rejected.detail)},
            ) from None


class CodeForm(forms.Form):
    link = forms.CharField(
        label=_("Short link or its code"),
        max_length=urls.MAX_URL_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def code(self) -> str:
        text: str = self.cleaned_data["link"].strip()
        last = urlsplit(text).path.rsplit("/", 1)[-1]
        return last if CODE.fullmatch(last) else ""


def may_create(request: HttpRequest) -> bool:
    return is_administrator(request) and current_user(request).account_id is not None


def create(request: HttpRequest, contacts: Sequence[Contact]) -> HttpResponse:
    """Ask for the URL, then create the links and show them once."""
    if not may_create(request):
        raise PermissionDenied
    if "url" not in request.POST:
        return _form_page(request, UrlForm(), contacts)
    form = UrlForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, contacts)
    url: urls.SafeUrl = form.cleaned_data["url"]
    view = partial(_show_new_links, request, url, contacts)
    return submissions.once(request, view, is_accepted=lambda response: True)


def _form_page(
    request: HttpRequest, form: UrlForm, contacts: Sequence[Contact]
) -> HttpResponse:
    token = {submissions.FIELD: submissions.token(request)}
    context = {"form": form, "rows": contacts, **token}
    return _page(request, "create_links.html", context)


def _show_new_links(
    request: HttpRequest, url: urls.SafeUrl, contacts: Sequence[Contact]
) -> HttpResponse:
    try:
        created = _create_links(url, contacts, current_user(request))
    except QuotaReached:
        messages.error(request, gettext(quotas.TOO_MANY_LINKS))
        return HttpResponseRedirect(reverse("admin:shortlinks_contact_changelist"))
    _log_action(request, [each.contact for each in created], url.given)
    context = {"created": created, "url": url.given}
    steps = {"steps_are_open": onboarding.any_left(onboarding.of(request))}
    return _page(request, "created_links.html", {**context, **steps})


def first_link(request: HttpRequest) -> HttpResponse:
    """Create a link for the newest visible contact, usually that of onboarding."""
    if not may_create(request):
        raise PermissionDenied
    own = Contact.objects.visible_to(current_user(request)).order_by("-pk")
    newest = list(own[:1])
    if not newest:
        return HttpResponseRedirect(reverse("admin:shortlinks_contact_add"))
    return create(request, newest)


def lookup_link(request: HttpRequest) -> HttpResponse:
    """Find the contact of a short link, by POST, so that no log contains the code."""
    if not is_operator(request):
        raise PermissionDenied
    form = CodeForm(request.POST or None)
    found, asked = None, False
    if request.method == "POST" and form.is_valid():
        asked = True
        rows = ShortLink.objects.select_related("account", "contact__merged_into")
        found = rows.filter(code=form.code()).first()
    if found:
        text = gettext("Looked up by short link.")
        LogEntry.objects.log_actions(current_user(request).pk, [found], CHANGE, text)
    context = {"form": CodeForm(), "found": found, "asked": asked}
    return _page(request, "link_lookup.html", context)


def _create_links(
    url: urls.SafeUrl, contacts: Sequence[Contact], user: User
) -> Sequence[NewShortUrl]:
    by_id = {contact.entity_id: contact for contact in contacts}
    authorized = link_requests.authorize(
        [LinkRequest(url, entity_id) for entity_id in by_id], user
    )
    return [
        NewShortUrl(
            by_id[link.entity_id], f"{urls.short_base_url(link.host)}/{link.code}"
        )
        for link in link_creation.create(authorized)
    ]


def _log_action(request: HttpRequest, contacts: Sequence[Contact], url: str) -> None:
    text = gettext("Short link to %(url)s created and shown.") % {"url": url}
    LogEntry.objects.log_actions(current_user(request).pk, contacts, CHANGE, text)


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    shared = {**admin.site.each_context(request), "title": TITLES[name]}
    response = render(request, f"shortlinks/{name}", {**shared, **context})
    response.headers["Cache-Control"] = submissions.NOT_KEPT
    return response
