"""Merges and suggestions: what was concluded from what, and a person's word on it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin import contact_comparison
from shortlinks.admin.base import AccountScopedAdmin, Role, Row, current_user, role_of
from shortlinks.admin.row_actions import RowActionAdmin
from shortlinks.domain.contacts import contacts
from shortlinks.domain.merging import merge_notes, suggestions, undoing
from shortlinks.domain.merging.suggestions import AlreadyDecided
from shortlinks.domain.merging.undoing import AlreadyUndone, HasLaterMerge, TooOld
from shortlinks.models import Contact, Merge, MergeState, MergeSuggestion, SeparatePair


class PairAdmin(RowActionAdmin[Row]):
    """Rows of two contacts: managers see those of which they may read both."""

    pair: tuple[str, str]
    contact_path = "one"  # `get_queryset` below asks for both

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        rows = super(AccountScopedAdmin, self).get_queryset(request)
        if role_of(request.user) is Role.MANAGER:
            readable = Contact.objects.visible_including_merged(current_user(request))
            return rows.filter(**{f"{name}__in": readable for name in self.pair})
        if role_of(request.user) is Role.ADMINISTRATOR:
            return rows.filter(account=current_user(request).account_id)
        return rows

    # People by name only: managers have no page of users to be sent to.

    @admin.display(description=_("by whom"))
    def created(self, row: Any) -> str:
        return str(row.created_by or self.get_empty_value_display())

    @admin.display(description=_("undone by"))
    def undone(self, row: Any) -> str:
        return str(row.undone_by or self.get_empty_value_display())

    @admin.display(description=_("decided by"))
    def decided(self, row: Any) -> str:
        return str(row.decided_by or self.get_empty_value_display())

    def has_action_permission(self, request: HttpRequest, row: Row) -> bool:
        """Who may edit both contacts; operators decide nothing for an account."""
        user = current_user(request)
        return user.account_id is not None and all(
            contacts.may_edit(getattr(row, name).root, user) for name in self.pair
        )


@admin.register(MergeSuggestion)
class MergeSuggestionAdmin(PairAdmin[MergeSuggestion]):
    pair = ("one", "other")
    steps = ("accept", "reject")
    change_form_template = "admin/shortlinks/mergesuggestion/change_form.html"
    fields = ("rule", "why", "state", "created_at", "decided", "decided_at")
    list_display = ("__str__", "rule", "why", "state", "created_at")
    list_filter = ("state", "rule")
    list_select_related = ("one__merged_into", "other__merged_into", "account")
    compared = (
        "one__responsible_user",
        "one__merged_into__responsible_user",
        "other__responsible_user",
        "other__merged_into__responsible_user",
    )
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MergeSuggestion]:
        rows = super().get_queryset(request)
        return rows.select_related(*self.list_select_related, *self.compared)

    @admin.display(description=_("evidence"))
    def why(self, row: MergeSuggestion) -> str:
        return _evidence(row)

    def extra_context(self, row: MergeSuggestion) -> dict[str, Any]:
        one, other = row.one.root, row.other.root
        both = [contact_comparison.reference(one), contact_comparison.reference(other)]
        return {"pair": both, "comparison": contact_comparison.comparison(one, other)}

    def accept(self, request: HttpRequest, row: MergeSuggestion) -> tuple[str, int]:
        chosen = request.POST.get("survivor", "")
        both = {str(row.one.root_id), str(row.other.root_id)}
        survivor = int(chosen) if chosen in both else None
        try:
            suggestions.accept(row, by=current_user(request), survivor=survivor)
        except AlreadyDecided:
            return gettext("Somebody has decided this already."), messages.WARNING
        return gettext("They are one contact now."), messages.SUCCESS

    def reject(self, request: HttpRequest, row: MergeSuggestion) -> tuple[str, int]:
        try:
            suggestions.reject(row, by=current_user(request))
        except AlreadyDecided:
            return gettext("Somebody has decided this already."), messages.WARNING
        text = gettext("They are two; this is not suggested again.")
        return text, messages.SUCCESS


@admin.register(Merge)
class MergeAdmin(PairAdmin[Merge]):
    pair = ("survivor", "loser")
    steps = ("undo",)
    change_form_template = "admin/shortlinks/merge/change_form.html"
    fields = (
        "into",
        "merged",
        "rule",
        "why",
        "state",
        "created",
        "created_at",
        "undone",
        "undone_at",
    )
    list_display = ("__str__", "rule", "why", "state", "created_at")
    list_filter = ("state", "rule")
    list_select_related = (
        "survivor__merged_into",
        "loser__merged_into",
        "account",
        "created_by",
        "undone_by",
    )
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merge]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.display(description=_("evidence"))
    def why(self, row: Merge) -> str:
        return _evidence(row) if row.evidence else ""

    @admin.display(description=_("contact"))
    def into(self, row: Merge) -> str:
        return _reference(row.survivor)

    @admin.display(description=_("was merged into it"))
    def merged(self, row: Merge) -> str:
        return _reference(row.loser)

    def has_action_permission(self, request: HttpRequest, row: Merge) -> bool:
        return row.state == MergeState.APPLIED and super().has_action_permission(
            request, row
        )

    def undo(self, request: HttpRequest, row: Merge) -> tuple[str, int]:
        try:
            kept = undoing.undo(row, by=current_user(request))
        except AlreadyUndone:
            return gettext("It is undone already."), messages.WARNING
        except HasLaterMerge as error:
            text = gettext("Undo the later one first: %(later)s.")
            return text % {"later": error.later}, messages.ERROR
        except TooOld:
            return gettext("It is too old to be undone."), messages.ERROR
        text = gettext("They are two again. Left as they are now: %(count)d fields.")
        return text % {"count": len(kept)}, messages.SUCCESS


@admin.register(SeparatePair)
class SeparatePairAdmin(PairAdmin[SeparatePair]):
    """Deleting one lets the rules merge the two again; that is a person's to do."""

    pair = ("one", "other")
    fields = ("one", "other", "created", "created_at")
    list_display = ("__str__", "created", "created_at")
    list_select_related = ("one", "other", "created_by")
    ordering = ("-id",)

    def has_delete_permission(
        self, request: HttpRequest, obj: SeparatePair | None = None
    ) -> bool:
        if obj is None:
            return role_of(request.user) is not Role.NOBODY
        return self.has_action_permission(request, obj)


def _reference(contact: Contact) -> str:
    address = contact_comparison.address(contact.root)
    return format_html('<a href="{}">{} (#{})</a>', address, contact, contact.entity_id)


def _evidence(row: Merge | MergeSuggestion) -> str:
    return merge_notes.explain(row.account, row.evidence, get_language() or "")
