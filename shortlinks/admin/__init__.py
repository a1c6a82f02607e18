"""What people work with in a browser; `autodiscover` finds every subject here."""

from shortlinks.admin import (
    accounts,
    chats,
    contacts,
    languages,
    links,
    merges,
    notes,
    pixels,
    tokens,
    visits,
    webhooks,
)

languages.translate_models()

__all__ = [
    "accounts",
    "chats",
    "contacts",
    "languages",
    "links",
    "merges",
    "notes",
    "pixels",
    "tokens",
    "visits",
    "webhooks",
]
