"""Pages of the admin; `autodiscover` imports each module here."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin

from shortlinks.admin import (
    accounts,
    chats,
    contacts,
    erasures,
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
from shortlinks.admin.sign_in import events

# Users have pages for their own rows of allauth's models. Operators need no lists.
for model in (
    EmailAddress,
    Authenticator,
    SocialAccount,
    SocialApp,
    SocialToken,
    UserSession,
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
admin.site.index_template = "shortlinks/dashboard.html"

__all__ = [
    "accounts",
    "chats",
    "contacts",
    "erasures",
    "events",
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
