"""Admin pages for short links, which show source URLs and never codes."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import AccountScopedAdmin, Names, is_administrator
from shortlinks.domain.links import short_links
from shortlinks.models import ShortLink


class DisabledFilter(admin.SimpleListFilter):
    title = _("disabled")
    parameter_name = "disabled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ShortLink]
    ) -> QuerySet[ShortLink]:
        if self.value() is None:
            return queryset
        return queryset.filter(disabled_at__isnull=self.value() != "yes")


@admin.register(ShortLink)
class ShortLinkAdmin(AccountScopedAdmin[ShortLink]):
    contact_path = "contact"
    fields = ("url", "contact_link", "created_at", "disabled_at", "expires_at")
    list_display = ("url", "contact_link", "created_at", "disabled_at", "expires_at")
    list_filter = (DisabledFilter,)
    list_select_related = ("contact__merged_into",)
    search_fields = ("url", "contact__name")
    ordering = ("-id",)
    indexed_filters = (("disabled", "yes"),)
    actions = ("disable",)

    def has_change_permission(
        self, request: HttpRequest, obj: ShortLink | None = None
    ) -> bool:
        return is_administrator(request)

    def get_readonly_fields(
        self, request: HttpRequest, obj: ShortLink | None = None
    ) -> Names:
        """Make the expiry of a disabled link read-only, since it stays disabled."""
        fixed = ("url", "contact_link", "created_at", "disabled_at")
        return (*fixed, "expires_at") if obj and obj.disabled_at else fixed

    def save_model(
        self, request: HttpRequest, obj: ShortLink, form: Any, change: object
    ) -> None:
        short_links.set_expiry(obj, obj.expires_at)

    @admin.action(description=_("Disable selected links"), permissions=["change"])
    @transaction.atomic
    def disable(self, request: HttpRequest, queryset: QuerySet[ShortLink]) -> None:
        rows = queryset.filter(disabled_at=None).order_by("pk")  # workers' lock order
        enabled = list(rows.select_for_update(of=("self",), no_key=True))
        for link in enabled:
            short_links.disable(link)
        self.log_action(request, enabled, gettext("Disabled."))
        count = {"count": len(enabled)}
        self.message_user(request, gettext("Links disabled: %(count)d.") % count)
