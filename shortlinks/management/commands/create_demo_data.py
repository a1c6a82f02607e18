"""Fill an empty service with an account to try it on."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from shortlinks.domain.auth import tokens
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import NewContact
from shortlinks.domain.links import short_links, urls
from shortlinks.domain.links.link_requests import AuthorizedLinkRequest
from shortlinks.models import AccessLevel, Account, ConnectedSite, Contact, Group, User

NAMES = [("Анна", "Петрова"), ("Timur", "Akhmetov"), ("Olga", "Lis")]
HIDDEN = ("Ivan", "Hidden")


class Command(BaseCommand):
    help = (
        "Creates a demo account with an administrator, a manager, contacts and tokens, "
        "if there is no account yet, and prints them as KEY=value lines."
    )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Account.objects.exists():
            return
        for key, value in _create().items():
            self.stdout.write(f"{key}={value}")


def _create() -> dict[str, object]:
    account = Account.objects.create(name="Demo", subdomain="demo")
    group = Group.objects.create(account=account, name="Sales")
    passwords = [secrets.token_urlsafe(12) for _ in range(2)]
    admin = User.objects.create_user(
        "admin@demo.example",
        passwords[0],
        account=account,
        name="Demo administrator",
        is_admin=True,
        is_superuser=True,
    )
    manager = User.objects.create_user(
        "manager@demo.example",
        passwords[1],
        account=account,
        group=group,
        name="Demo manager",
        contacts_view=AccessLevel.MINE,
        contacts_edit=AccessLevel.MINE,
    )
    own = contacts.create([_contact(*name, manager) for name in NAMES], user=admin)
    hidden = contacts.create([_contact(*HIDDEN, admin)], user=admin)
    return {
        "ACCOUNT_ID": account.id,
        "TOKEN": tokens.issue(admin, name="demo").text,
        "MANAGER_TOKEN": tokens.issue(manager, name="demo").text,
        "CONTACT_IDS": ",".join(str(contact.entity_id) for contact in own),
        "HIDDEN_CONTACT_ID": hidden[0].entity_id,
        "ADMIN_EMAIL": admin.email,
        "ADMIN_PASSWORD": passwords[0],
        "MANAGER_EMAIL": manager.email,
        "MANAGER_PASSWORD": passwords[1],
        **(_site(own[0]) if settings.DEMO_SITE_URL else {}),
    }


def _site(contact: Contact) -> dict[str, object]:
    """A site of the account, and a link of the contact's that leads there."""
    url = urls.parse(f"{settings.DEMO_SITE_URL}/", urls.policy())
    site = ConnectedSite.objects.create(
        account=contact.account, origin=settings.DEMO_SITE_URL
    )
    entity_id, account_id = contact.entity_id, contact.account_id
    [made] = short_links.create(
        [AuthorizedLinkRequest(url, entity_id, contact.pk, account_id)]
    )
    return {
        "SITE_KEY": site.site_key,
        "DEMO_LINK": f"{settings.SHORT_BASE_URL}/{made.code}",
    }


def _contact(first_name: str, last_name: str, responsible: User) -> NewContact:
    return NewContact(
        entity_id=None,
        name=f"{first_name} {last_name}",
        first_name=first_name,
        last_name=last_name,
        responsible_user_id=responsible.id,
    )
