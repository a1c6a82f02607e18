"""Rows that histories start with: an account, contacts, links and a site for each."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from shortlinks.domain.links import codes
from shortlinks.models import Account, ConnectedSite, Contact, ShortLink, User
from tests import factories
from tests.histories.notation import History

ORIGIN = "https://shop.example"
LINKS = 3  # of each contact


@dataclass(frozen=True, slots=True)
class Stage:
    """The rows of one history; contacts and links by their names."""

    account: Account
    user: User
    token: str
    site_key: str
    contacts: dict[str, Contact]
    codes: dict[str, str]


def delete_all() -> None:
    """Delete the rows of the previous batch: thousands of sites slow redirects down."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE shortlinks_account, shortlinks_visit CASCADE")


def create(histories: Sequence[History]) -> list[Stage]:
    """Create the rows of all histories with a few statements."""
    modes = [history.mode for history in histories]
    accounts = [factories.account(merge_mode=mode) for mode in modes]
    users = [factories.admin(account) for account in accounts]
    sites = ConnectedSite.objects.bulk_create(
        ConnectedSite(account=account, origin=ORIGIN) for account in accounts
    )
    stages = [
        Stage(
            account=account,
            user=user,
            token=factories.token(user),
            site_key=site.site_key,
            contacts=_contacts(account, history),
            codes={},
        )
        for account, user, site, history in zip(
            accounts, users, sites, histories, strict=True
        )
    ]
    Contact.objects.bulk_create(c for stage in stages for c in stage.contacts.values())
    links = [link for stage in stages for link in _links(stage)]
    ShortLink.objects.bulk_create(links)
    return stages


def _contacts(account: Account, history: History) -> dict[str, Contact]:
    return {
        name: Contact(
            account=account,
            entity_id=number,
            name="" if name in history.anonymous else name,
            is_anonymous=name in history.anonymous,
        )
        for number, name in enumerate(history.contacts, start=1)
    }


def _links(stage: Stage) -> list[ShortLink]:
    """Return A1, B1, … of one mailing, then A2, B2, … of the next."""
    made = []
    for number in range(1, LINKS + 1):
        mailing, url = uuid.uuid4(), f"{ORIGIN}/{number}"
        for name, contact in stage.contacts.items():
            code = stage.codes[f"{name}{number}"] = codes.generate()
            made.append(
                ShortLink(
                    account=stage.account,
                    contact=contact,
                    code=code,
                    url=url,
                    target=url,
                    url_sha256=hashlib.sha256(url.encode()).digest(),
                    batch=mailing,
                )
            )
    return made
