"""What people work with in a browser; `autodiscover` finds every subject here."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from shortlinks.admin import (
    accounts,
    chats,
    contacts,
    links,
    merges,
    notes,
    pixels,
    sites,
    tokens,
    visits,
    webhooks,
)

admin.site.site_header = admin.site.site_title = _("Short links")
admin.site.site_url = None  # there is no other page to go to

__all__ = [
    "accounts",
    "chats",
    "contacts",
    "links",
    "merges",
    "notes",
    "pixels",
    "sites",
    "tokens",
    "visits",
    "webhooks",
]
