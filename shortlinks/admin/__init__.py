"""Pages of the admin; `autodiscover` imports each module here."""

from django.contrib import admin

from shortlinks.admin import (
    accounts,
    chats,
    contacts,
    import_admin,
    integrations,
    links,
    merges,
    notes,
    pixels,
    security_events,
    sites,
    tokens,
    visits,
    webhook_deliveries,
    webhooks,
)

admin.site.index_template = "shortlinks/dashboard.html"
admin.site.login_form = accounts.LoginForm

__all__ = [
    "accounts",
    "chats",
    "contacts",
    "import_admin",
    "integrations",
    "links",
    "merges",
    "notes",
    "pixels",
    "security_events",
    "sites",
    "tokens",
    "visits",
    "webhook_deliveries",
    "webhooks",
]
