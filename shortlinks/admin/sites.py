"""Customers' own hosts: connected sites, and domains of short links."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import AccountScopedAdmin, Names, Row, is_administrator
from shortlinks.domain.links import connected_sites, short_domains
from shortlinks.domain.pixels import pixel_script
from shortlinks.models import ConnectedSite, ShortDomain

# Each may keep a page waiting for as long as a name server does.
MAX_CHECKS = 5


class HostAdmin(AccountScopedAdmin[Row]):
    """Administrators add and delete; nothing about a host is changed afterwards."""

    entered_fields: Names
    stored_fields: Names

    def get_fields(self, request: HttpRequest, obj: Row | None = None) -> Names:
        known = self.stored_fields if obj is not None else ()
        return ("account", *self.entered_fields, *known)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    def has_delete_permission(
        self, request: HttpRequest, obj: Row | None = None
    ) -> bool:
        return is_administrator(request)


class NewSiteForm(forms.ModelForm[ConnectedSite]):
    def clean_origin(self) -> str:
        try:
            return connected_sites.parse_origin(self.cleaned_data["origin"])
        except connected_sites.InvalidOrigin as error:
            raise forms.ValidationError(str(error)) from None


@admin.register(ConnectedSite)
class ConnectedSiteAdmin(HostAdmin[ConnectedSite]):
    form = NewSiteForm
    entered_fields = ("origin",)
    stored_fields = ("site_key", "created_at", "snippet")
    list_display = ("origin", "site_key", "created_at")
    search_fields = ("origin",)
    ordering = ("-id",)

    @admin.display(description=_("for the head of its pages"))
    def snippet(self, row: ConnectedSite) -> str:
        return pixel_script.snippet(row.site_key)


class NewDomainForm(forms.ModelForm[ShortDomain]):
    def clean_host(self) -> str:
        try:
            return short_domains.parse_host(self.cleaned_data["host"])
        except short_domains.InvalidDomain as error:
            raise forms.ValidationError(str(error)) from None

    def clean_cookie_domain(self) -> str:
        """Comes after the host, as the fields do."""
        text: str = self.cleaned_data["cookie_domain"]
        if "host" not in self.cleaned_data:
            return text
        try:
            return short_domains.parse_cookie_domain(text, self.cleaned_data["host"])
        except short_domains.InvalidDomain as error:
            raise forms.ValidationError(str(error)) from None


@admin.register(ShortDomain)
class ShortDomainAdmin(HostAdmin[ShortDomain]):
    form = NewDomainForm
    entered_fields = ("host", "cookie_domain")
    stored_fields = ("name", "value", "verified_at", "is_default", "created_at")
    list_display = ("host", "cookie_domain", "verified_at", "is_default", "created_at")
    search_fields = ("host",)
    ordering = ("-id",)
    actions = ("check_now", "use_for_new_links")

    def has_check_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    @admin.display(description=_("name of the TXT record to publish"))
    def name(self, row: ShortDomain) -> str:
        return row.txt_name

    @admin.display(description=_("its value"))
    def value(self, row: ShortDomain) -> str:
        return row.txt_value

    @admin.action(description=_("Check now"), permissions=["check"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[ShortDomain]) -> None:
        chosen = list(queryset[: MAX_CHECKS + 1])
        if len(chosen) > MAX_CHECKS:
            text = gettext("Choose %(most)d at most.") % {"most": MAX_CHECKS}
            self.message_user(request, text, messages.ERROR)
            return
        for domain in chosen:
            checked = short_domains.verify(domain)
            level = messages.SUCCESS if checked.is_verified else messages.WARNING
            self.log_action(
                request, [domain], gettext("Checked: %(why)s") % {"why": checked.detail}
            )
            self.message_user(request, f"{domain.host}: {checked.detail}", level)

    @admin.action(description=_("Use for new links"), permissions=["check"])
    def use_for_new_links(
        self, request: HttpRequest, queryset: QuerySet[ShortDomain]
    ) -> None:
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, gettext("Choose one."), messages.ERROR)
            return
        [domain] = chosen
        try:
            short_domains.set_default(domain)
        except short_domains.NotVerified:
            text = gettext("%(host)s is not verified yet.") % {"host": domain.host}
            self.message_user(request, text, messages.ERROR)
            return
        self.log_action(request, chosen, gettext("Used for new links."))
        text = gettext("New links have the host %(host)s.") % {"host": domain.host}
        self.message_user(request, text)
