"""What people work with in a browser; `autodiscover` finds every subject here."""

from django.contrib import admin

from shortlinks.admin import (
    accounts,
    chats,
    contacts,
    import_admin,
    links,
    localization,
    merges,
    notes,
    pixels,
    sites,
    tokens,
    visits,
    webhooks,
)

admin.site.index_template = "shortlinks/dashboard.html"
localization.translate_models()

__all__ = [
    "accounts",
    "chats",
    "contacts",
    "import_admin",
    "links",
    "localization",
    "merges",
    "notes",
    "pixels",
    "sites",
    "tokens",
    "visits",
    "webhooks",
]
