"""Notes on contacts; the service and the API write them, people read them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shortlinks.admin.base import AccountScopedAdmin
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
        "created_at",
        "updated_at",
    )
    list_display = ("content", "contact_link", "note_type", "opens", "created_at")
    list_filter = ("note_type",)
    list_select_related = ("contact__merged_into",)
    search_fields = ("url", "contact__name")
    ordering = ("-id",)
    indexed_filters = (
        ("note_type__exact", NoteType.COMMON),
        ("note_type__exact", NoteType.SERVICE),
    )

    @admin.display(description=_("note"))
    def content(self, note: Note) -> str:
        return str(note)
