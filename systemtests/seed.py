"""Accounts, contacts and links, created as the service creates them."""

import itertools
import subprocess
import sys
from collections.abc import Sequence

from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import NewContact
from shortlinks.domain.links import link_creation, link_requests, redis_cache, urls
from shortlinks.domain.links.link_creation import CreatedLink
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.models import Account, User
from systemtests import CHECKOUT, InvalidRun

BATCH_SIZE = 250
MIGRATE_SECONDS = 120

_numbers = itertools.count(1_000_000)


def migrate() -> None:
    command = (sys.executable, "manage.py", "migrate", "--verbosity", "0")
    if subprocess.run(command, cwd=CHECKOUT, timeout=MIGRATE_SECONDS).returncode:
        raise InvalidRun("manage.py migrate failed")


def new_user(*, note_window: int = 600) -> User:
    """Create an administrator with their own account."""
    number = next(_numbers)
    account = Account.objects.create(
        name=f"Account {number}", subdomain=f"account-{number}", note_window=note_window
    )
    redis_cache.refresh_account(account)  # as the admin does after saving
    email = f"user-{number}@systemtests.example"
    return User.objects.create_user(email, account=account, is_admin=True)


def new_contacts(user: User, count: int) -> list[int]:
    """Return the entity ids of new contacts."""
    new = [NewContact(next(_numbers), "A contact", "", "", None) for _ in range(count)]
    return [
        contact.entity_id
        for start in range(0, count, BATCH_SIZE)
        for contact in contacts.create(new[start : start + BATCH_SIZE], user=user)
    ]


def new_links(user: User, entity_ids: Sequence[int]) -> list[str]:
    """Return the codes of new links, one for each contact."""
    return [
        link.code
        for start in range(0, len(entity_ids), BATCH_SIZE)
        for link in _create(user, entity_ids[start : start + BATCH_SIZE])
    ]


def _create(user: User, entity_ids: Sequence[int]) -> Sequence[CreatedLink]:
    policy = urls.policy()
    requests = [
        LinkRequest(urls.parse(_url(entity_id), policy), entity_id)
        for entity_id in entity_ids
    ]
    return link_creation.create(link_requests.authorize(requests, user))


def _url(entity_id: int) -> str:
    return f"https://shop.example/sale/{entity_id}?utm_source=crm&utm_medium=message"
