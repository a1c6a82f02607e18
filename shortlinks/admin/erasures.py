"""Admin pages for the receipts of erasures."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from shortlinks.admin import personal_data
from shortlinks.admin.base import is_administrator
from shortlinks.admin.row_actions import ActionResult, RowActionAdmin, done
from shortlinks.domain import erased_identities
from shortlinks.models import Erasure


@admin.register(Erasure)
class ErasureAdmin(RowActionAdmin[Erasure]):
    """Receipts, which name nobody."""

    fields = (
        *("requested_at", "origin", "requested_by", "finished_at"),
        *("erased_rows", "protected_ids"),
    )
    list_display = ("requested_at", "origin", "requested_by", "finished_at")
    list_select_related = ("requested_by",)
    ordering = ("-id",)
    change_form_template = "admin/shortlinks/row_actions.html"
    row_actions = ("allow_again",)
    buttons = {"allow_again": _("Allow the IDs again")}
    asks_to_sign_in_again = True

    def has_action_permission(self, request: HttpRequest, row: Erasure) -> bool:
        return is_administrator(request) and erased_identities.count(row) > 0

    def allow_again(self, request: HttpRequest, row: Erasure) -> ActionResult:
        """Let imports and requests create contacts and chats with these ids again."""
        count = erased_identities.allow(row)
        text = ngettext(
            "%(count)d ID can be used again.", "%(count)d IDs can be used again.", count
        )
        return done(text % {"count": count})

    @admin.display(description=_("erased rows"))
    def erased_rows(self, row: Erasure) -> str:
        parts = [
            f"{capfirst(personal_data.TITLES[name])}: {count}"
            for name, count in sorted(row.rows.items())
        ]
        return "\n".join(parts) or personal_data.EMPTY

    @admin.display(description=_("IDs that cannot be used again"))
    def protected_ids(self, row: Erasure) -> int:
        return erased_identities.count(row)
