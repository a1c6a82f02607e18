"""Read-only admin pages for notes, which opens, merges and API requests write."""

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import AccountScopedAdmin
from shortlinks.domain import reasons
from shortlinks.models import Note, NoteType


@admin.register(Note)
class NoteAdmin(AccountScopedAdmin[Note]):
    contact_path = "contact"
    fields = (
        "contact_link",
        "note_type",
        "url",
        "text",
        "opens",
        "certainty",
        "explanation",
        "created_at",
        "updated_at",
    )
    list_display = (
        "content",
        "contact_link",
        "note_type",
        "opens",
        "certainty",
        "explanation",
        "created_at",
    )
    list_filter = ("note_type",)
    list_select_related = ("contact__merged_into",)
    search_fields = ("url", "contact__name")
    ordering = ("-id",)
    indexed_filters = (
        ("note_type__exact", NoteType.COMMON),
        ("note_type__exact", NoteType.SERVICE),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Note]:
        rows = super().get_queryset(request)
        return rows.annotate(link_created_at=F("link__created_at"))

    @admin.display(description=_("certainty"))
    def certainty(self, note: Note) -> str:
        """Return how certain it is that a person opened the link."""
        if not note.reason:
            return self.get_empty_value_display()
        return str(reasons.certainty(note.reason).label)

    @admin.display(description=_("reason"))
    def explanation(self, note: Note) -> str:
        created_at = getattr(note, "link_created_at", None)
        age = note.created_at - created_at if created_at else None
        return reasons.explain(note.reason, age) or self.get_empty_value_display()

    @admin.display(description=_("note"))
    def content(self, note: Note) -> str:
        return str(note)
