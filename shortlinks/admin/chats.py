"""Admin pages for chats."""

from django.contrib import admin

from shortlinks.admin.base import AccountScopedAdmin
from shortlinks.models import Chat


@admin.register(Chat)
class ChatAdmin(AccountScopedAdmin[Chat]):
    contact_path = "contact"
    fields = (
        "title",
        "contact_link",
        "source",
        "external_id",
        "visitor_uid",
        "created_at",
        "updated_at",
    )
    list_display = ("__str__", "contact_link", "source", "updated_at")
    list_select_related = ("contact__merged_into",)
    search_fields = ("external_id__exact", "title")
    ordering = ("-id",)
