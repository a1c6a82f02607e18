"""What people work with in a browser; `autodiscover` finds every subject here."""

from shortlinks.admin import (
    accounts,
    chats,
    contacts,
    links,
    merges,
    notes,
    pixels,
    tokens,
    visits,
)

__all__ = [
    "accounts",
    "chats",
    "contacts",
    "links",
    "merges",
    "notes",
    "pixels",
    "tokens",
    "visits",
]
