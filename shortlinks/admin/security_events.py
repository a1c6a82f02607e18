"""Admin page for security events, which nobody can change."""

from django.contrib import admin

from shortlinks.admin.base import AccountScopedAdmin
from shortlinks.models import SecurityEvent


@admin.register(SecurityEvent)
class SecurityEventAdmin(AccountScopedAdmin[SecurityEvent]):
    """Pages of an account's events; operators also see those without an account."""

    fields = ("occurred_at", "kind", "user", "detail", "network", "count")
    list_display = fields
    list_filter = ("kind",)
    list_select_related = ("user",)
    ordering = ("-id",)
    list_before_template = "shortlinks/security_events_export.html"
