"""Admin pages for connected sites and short domains."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import AccountScopedAdmin, Names, Row, is_administrator
from shortlinks.admin.forms import AdminForm
from shortlinks.domain.links import connected_sites, domain_proofs, short_domains
from shortlinks.domain.pixels import pixel_script
from shortlinks.models import ConnectedSite, ShortDomain

# Each check waits for name servers while the page loads.
MAX_CHECKS = 5


class HostAdmin(AccountScopedAdmin[Row]):
    """Hosts that administrators add and delete, but never change."""

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


class NewSiteForm(AdminForm[ConnectedSite]):
    def clean_origin(self) -> str:
        try:
            return connected_sites.parse_origin(self.cleaned_data["origin"])
        except connected_sites.InvalidOrigin as error:
            raise forms.ValidationError(gettext(str(error))) from None


@admin.register(ConnectedSite)
class ConnectedSiteAdmin(HostAdmin[ConnectedSite]):
    form = NewSiteForm
    entered_fields = ("origin",)
    stored_fields = ("site_key", "created_at", "snippet")
    list_display = ("origin", "site_key", "created_at")
    search_fields = ("origin",)
    ordering = ("-id",)

    @admin.display(description=_("code for the pages of the site, in head"))
    def snippet(self, row: ConnectedSite) -> str:
        return pixel_script.snippet(row.site_key)


class NewDomainForm(AdminForm[ShortDomain]):
    def clean_host(self) -> str:
        try:
            return short_domains.parse_host(self.cleaned_data["host"])
        except short_domains.InvalidDomain as error:
            raise forms.ValidationError(gettext(str(error))) from None

    def clean_cookie_domain(self) -> str:
        """Validate against the host, which is cleaned first."""
        text: str = self.cleaned_data["cookie_domain"]
        if "host" not in self.cleaned_data:
            return text
        try:
            return short_domains.parse_cookie_domain(text, self.cleaned_data["host"])
        except short_domains.InvalidDomain as error:
            raise forms.ValidationError(gettext(str(error))) from None


@admin.register(ShortDomain)
class ShortDomainAdmin(HostAdmin[ShortDomain]):
    form = NewDomainForm
    entered_fields = ("host", "cookie_domain")
    stored_fields = (
        *("state", "rules", "name", "value", "verified_at", "checked_at"),
        *("is_default", "created_at"),
    )
    list_display = ("host", "cookie_domain", "state", "is_default", "created_at")
    search_fields = ("host",)
    ordering = ("-id",)
    actions = ("check_now", "use_for_new_links")

    def has_check_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)

    @admin.display(description=_("state"), ordering="verified_at")
    def state(self, row: ShortDomain) -> str:
        if row.proof_lost_at is None:
            is_verified = row.verified_at is not None
            return gettext("verified") if is_verified else gettext("not verified")
        since = date_format(timezone.localtime(row.proof_lost_at))
        if row.verified_at is None:
            text = gettext("stopped; the TXT record is missing since %(since)s")
            return text % {"since": since}
        end = timezone.localtime(row.proof_lost_at + domain_proofs.GRACE_PERIOD)
        text = gettext("TXT record missing since %(since)s; works until %(end)s")
        return text % {"since": since, "end": date_format(end)}

    @admin.display(description=_("rules"))
    def rules(self, row: ShortDomain) -> str:
        return gettext(
            "A domain has no effect until it is verified. If several accounts add it,"
            " the first whose record is found has it. It moves to another account only"
            " when that account's record is found and yours is not. The record is"
            " checked every week. If it is missing, the domain works for %(days)d more"
            " days, and again as soon as the record is back."
        ) % {"days": domain_proofs.GRACE_PERIOD.days}

    @admin.display(description=_("name of the TXT record"))
    def name(self, row: ShortDomain) -> str:
        return row.txt_name

    @admin.display(description=_("value of the TXT record"))
    def value(self, row: ShortDomain) -> str:
        return row.txt_value

    @admin.action(description=_("Verify now"), permissions=["check"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[ShortDomain]) -> None:
        chosen = list(queryset[: MAX_CHECKS + 1])
        if len(chosen) > MAX_CHECKS:
            text = gettext("Choose at most %(most)d domains.") % {"most": MAX_CHECKS}
            self.message_user(request, text, messages.ERROR)
            return
        for domain in chosen:
            checked = short_domains.verify(domain)
            detail = gettext(checked.detail)
            level = messages.SUCCESS if checked.is_verified else messages.WARNING
            self.log_action(
                request,
                [domain],
                gettext("Verification: %(why)s") % {"why": detail},
            )
            self.message_user(request, f"{domain.host}: {detail}", level)

    @admin.action(description=_("Use for new links"), permissions=["check"])
    def use_for_new_links(
        self, request: HttpRequest, queryset: QuerySet[ShortDomain]
    ) -> None:
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, gettext("Choose one domain."), messages.ERROR)
            return
        [domain] = chosen
        try:
            short_domains.set_default(domain)
        except short_domains.NotVerified:
            text = gettext(
                "%(host)s is not verified yet. Publish its TXT record, then choose"
                " “Verify now”."
            ) % {"host": domain.host}
            self.message_user(request, text, messages.ERROR)
            return
        self.log_action(request, chosen, gettext("Used for new links."))
        text = gettext("New links now use %(host)s.") % {"host": domain.host}
        self.message_user(request, text)
