"""Admin pages for merge suggestions, merges and pairs marked as different people."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.admin import contact_comparison, merge_facts
from shortlinks.admin.base import AccountScopedAdmin, Role, Row, current_user, role_of
from shortlinks.admin.row_actions import RowActionAdmin
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import EditForbidden
from shortlinks.domain.merging import merge_notes, suggestions, undoing
from shortlinks.domain.merging.suggestions import AlreadyDecided
from shortlinks.domain.merging.undoing import AlreadyUndone, TooOld
from shortlinks.models import Contact, Merge, MergeState, MergeSuggestion, SeparatePair


class PairAdmin(RowActionAdmin[Row]):
    """A page of rows about two contacts; managers need view access to both."""

    contact_fields: tuple[str, str]
    contact_path = "one"  # `get_queryset` checks both

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        # Skips AccountScopedAdmin, which checks one contact only.
        rows = super(AccountScopedAdmin, self).get_queryset(request)
        if role_of(request.user) is Role.MANAGER:
            readable = Contact.objects.visible_including_merged(current_user(request))
            return rows.filter(
                **{f"{name}__in": readable for name in self.contact_fields}
            )
        if role_of(request.user) is Role.ADMINISTRATOR:
            return rows.filter(account=current_user(request).account_id)
        return rows

    # Names without links: managers have no page of users.

    @admin.display(description=_("created by"))
    def created(self, row: Any) -> str:
        return str(row.created_by or self.get_empty_value_display())

    @admin.display(description=_("undone by"))
    def undone(self, row: Any) -> str:
        return str(row.undone_by or self.get_empty_value_display())

    @admin.display(description=_("decided by"))
    def decided(self, row: Any) -> str:
        return str(row.decided_by or self.get_empty_value_display())

    def has_action_permission(self, request: HttpRequest, row: Row) -> bool:
        """Require an account, and edit access to both contacts."""
        user = current_user(request)
        return user.account_id is not None and all(
            contacts.may_edit(getattr(row, name).root, user)
            for name in self.contact_fields
        )


@admin.register(MergeSuggestion)
class MergeSuggestionAdmin(PairAdmin[MergeSuggestion]):
    contact_fields = ("one", "other")
    row_actions = ("accept", "reject")
    change_form_template = "admin/shortlinks/mergesuggestion/change_form.html"
    fields = ("rule", "evidence_text", "state", "created_at", "decided", "decided_at")
    list_display = (
        "__str__",
        "rule",
        "evidence_text",
        "known_facts",
        "state",
        "created_at",
    )
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
        """Include pairs of a contact that managers may view and an anonymous one."""
        # Skips AccountScopedAdmin, which hides rows with an anonymous contact.
        rows = super(AccountScopedAdmin, self).get_queryset(request)
        user = current_user(request)
        if role_of(user) is not Role.OPERATOR:
            rows = rows.filter(pk__in=MergeSuggestion.objects.visible_to(user))
        return rows.select_related(*self.list_select_related, *self.compared)

    def has_action_permission(self, request: HttpRequest, row: MergeSuggestion) -> bool:
        """Require an account, and edit access to the known contacts."""
        user = current_user(request)
        return user.account_id is not None and suggestions.may_decide(row, user)

    @admin.display(description=_("evidence"))
    def evidence_text(self, row: MergeSuggestion) -> str:
        return _evidence(row)

    @admin.display(description=_("known facts"))
    def known_facts(self, row: MergeSuggestion) -> str:
        return merge_facts.short(row.evidence) or self.get_empty_value_display()

    def extra_context(
        self, request: HttpRequest, row: MergeSuggestion
    ) -> dict[str, Any]:
        one, other = row.one.root, row.other.root
        return {
            "contacts": self._linked(request, one, other),
            "comparison": contact_comparison.comparison(one, other),
            "facts": merge_facts.sentences(row.evidence),
            "subject": _subject(row),
        }

    def _linked(self, request: HttpRequest, *both: Contact) -> list[dict[str, Any]]:
        """Return the contacts, each with an address if the user may open its page.

        Managers may decide about anonymous contacts, but not open their pages.
        """
        pages = self.admin_site.get_model_admin(Contact).get_queryset(request)
        may_open = set(pages.filter(pk__in=[each.pk for each in both]))
        return [
            {
                "pk": each.pk,
                "name": str(each),
                "address": contact_comparison.address(each) if each in may_open else "",
            }
            for each in both
        ]

    def accept(self, request: HttpRequest, row: MergeSuggestion) -> tuple[str, int]:
        chosen = request.POST.get("survivor", "")
        both = {str(row.one.root_id), str(row.other.root_id)}
        survivor = int(chosen) if chosen in both else None
        try:
            suggestions.accept(row, by=current_user(request), survivor=survivor)
        except EditForbidden:
            raise PermissionDenied from None
        except AlreadyDecided:
            return gettext(
                "This suggestion has already been decided."
            ), messages.WARNING
        return gettext("Contacts merged."), messages.SUCCESS

    def reject(self, request: HttpRequest, row: MergeSuggestion) -> tuple[str, int]:
        try:
            suggestions.reject(row, by=current_user(request))
        except AlreadyDecided:
            return gettext(
                "This suggestion has already been decided."
            ), messages.WARNING
        text = gettext("The contacts stay separate and will not be suggested again.")
        return text, messages.SUCCESS


@admin.register(Merge)
class MergeAdmin(PairAdmin[Merge]):
    contact_fields = ("survivor", "loser")
    row_actions = ("undo",)
    change_form_template = "admin/shortlinks/merge/change_form.html"
    fields = (
        "survivor_link",
        "loser_link",
        "rule",
        "evidence_text",
        "state",
        "created",
        "created_at",
        "undone",
        "undone_at",
    )
    list_display = ("__str__", "rule", "evidence_text", "state", "created_at")
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
    def evidence_text(self, row: Merge) -> str:
        return _evidence(row) if row.evidence else ""

    @admin.display(description=_("contact"))
    def survivor_link(self, row: Merge) -> str:
        return _reference(row.survivor)

    @admin.display(description=_("merged contact"))
    def loser_link(self, row: Merge) -> str:
        return _reference(row.loser)

    def has_action_permission(self, request: HttpRequest, row: Merge) -> bool:
        return row.state == MergeState.APPLIED and super().has_action_permission(
            request, row
        )

    def undo(self, request: HttpRequest, row: Merge) -> tuple[str, int]:
        try:
            kept = undoing.undo(row, by=current_user(request))
        except AlreadyUndone:
            return gettext("This merge has already been undone."), messages.WARNING
        except TooOld:
            return gettext("This merge is too old to be undone."), messages.ERROR
        text = gettext(
            "Merge undone. Fields changed after the merge were kept: %(count)d."
        )
        return text % {"count": len(kept)}, messages.SUCCESS


@admin.register(SeparatePair)
class SeparatePairAdmin(PairAdmin[SeparatePair]):
    """Pairs that the rules never merge, until a user deletes the row."""

    contact_fields = ("one", "other")
    fields = ("first", "second", "created", "created_at")
    list_display = ("__str__", "created", "created_at")
    list_select_related = ("one__merged_into", "other__merged_into", "created_by")
    ordering = ("-id",)

    # Merged contacts have no page, so the links lead to their survivors.

    @admin.display(description=_("first contact"))
    def first(self, row: SeparatePair) -> str:
        return _reference(row.one)

    @admin.display(description=_("second contact"))
    def second(self, row: SeparatePair) -> str:
        return _reference(row.other)

    def has_delete_permission(
        self, request: HttpRequest, obj: SeparatePair | None = None
    ) -> bool:
        if obj is None:
            return role_of(request.user) is not Role.NOBODY
        return self.has_action_permission(request, obj)


def _reference(contact: Contact) -> str:
    address = contact_comparison.address(contact.root)
    return format_html('<a href="{}">{} (#{})</a>', address, contact, contact.entity_id)


def _subject(row: MergeSuggestion) -> Contact:
    """Return the contact whose facts the evidence contains."""
    is_other = row.evidence.get("entity_id") == row.other.entity_id
    return row.other.root if is_other else row.one.root


def _evidence(row: Merge | MergeSuggestion) -> str:
    return merge_notes.explain(row.account, row.evidence)
