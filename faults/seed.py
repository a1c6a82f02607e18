"""Contacts with a link each, made as the service makes them, anew for each fault."""

import itertools
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from faults.opens import Links
from faults.waiting import Broken
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import NewContact
from shortlinks.domain.links import link_requests, redis_cache, short_links, urls
from shortlinks.domain.links.link_requests import LinkRequest
from shortlinks.models import Account, User

MIGRATE_SECONDS = 120
# Above a burst's second and what a stall may add to it, below the pause until the next.
SHORT_WINDOW_SECONDS = 4
GROUPS = 7

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class World:
    """One account with the default window of notes, one with a short one."""

    steady: User
    bursts: User
    links: Links

    @property
    def accounts(self) -> list[int]:
        return [user.account_id or 0 for user in (self.steady, self.bursts)]


def migrate() -> None:
    command = (sys.executable, "manage.py", "migrate", "--verbosity", "0")
    done = subprocess.run(command, cwd=settings.BASE_DIR, timeout=MIGRATE_SECONDS)
    if done.returncode:
        raise Broken("manage.py migrate failed")


def world(*, steady: int, in_a_burst: int) -> World:
    first, second = _user(600), _user(SHORT_WINDOW_SECONDS)
    bursts = _codes(second, GROUPS * in_a_burst)
    groups = [bursts[group::GROUPS] for group in range(GROUPS)]
    made = Links(steady=_codes(first, steady), bursts=groups)
    return World(steady=first, bursts=second, links=made)


def new_contacts(user: User, count: int) -> list[int]:
    """Their entity ids."""
    new = [NewContact(next(_numbers), "A contact", "", "", None) for _ in range(count)]
    return [contact.entity_id for contact in contacts.create(new, user=user)]


def _user(window: int) -> User:
    number = next(_numbers)
    account = Account.objects.create(
        name=f"Account {number}", subdomain=f"account-{number}", note_window=window
    )
    # As the admin does when an account is saved: Redis knows it.
    redis_cache.refresh_account(account)
    email = f"user-{number}@faults.example"
    return User.objects.create_user(email, account=account, is_admin=True)


def _codes(user: User, count: int) -> Sequence[str]:
    policy = urls.policy()
    orders = [
        LinkRequest(
            urls.parse(f"https://shop.example/sale/{entity_id}", policy), entity_id
        )
        for entity_id in new_contacts(user, count)
    ]
    return [
        link.code for link in short_links.create(link_requests.authorize(orders, user))
    ]
