"""Browsers, and the contacts they are attached to."""

from django.contrib import admin

from shortlinks.admin.base import RowAdmin
from shortlinks.models import Pixel, PixelAttachment


@admin.register(Pixel)
class PixelAdmin(RowAdmin[Pixel]):
    fields = ("account", "visitor_uid", "created_at", "last_seen_at")
    list_display = ("visitor_uid", "created_at", "last_seen_at")
    search_fields = ("visitor_uid__exact",)
    ordering = ("-id",)


@admin.register(PixelAttachment)
class PixelAttachmentAdmin(RowAdmin[PixelAttachment]):
    account_path = "contact__account_id"
    fields = ("pixel", "contact", "evidence", "first_seen_at", "last_seen_at")
    list_display = fields
    list_select_related = ("pixel", "contact")
    list_filter = ("evidence",)
    search_fields = ("pixel__visitor_uid__exact", "contact__name")
    ordering = ("-id",)
