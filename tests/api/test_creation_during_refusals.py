"""Links and notes that are created while their contact refuses or is erased."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from shortlinks.domain.contacts import tracking_consent
from shortlinks.domain.contacts.tracking_consent import ConsentAnswer
from shortlinks.domain.links import redis_cache
from shortlinks.domain.links.redis_cache import CachedLink
from shortlinks.domain.personal_data import erasure
from shortlinks.domain.pixels import consent
from shortlinks.domain.redis_client import client
from shortlinks.models import (
    Account,
    ConsentChannel,
    Contact,
    ErasureOrigin,
    Note,
    ShortLink,
    TrackingConsent,
    User,
)
from tests import factories, services
from tests.api.conftest import Connect
from tests.concurrency import during, in_own_connection, wait_until_blocked
from tests.conftest import Api

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/v4/short_links"


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture
def person(account: Account) -> Contact:
    return factories.contact(account)


def test_new_link_is_cached_with_a_refusal_at_that_moment(
    person: Contact, admin: User, connect: Connect, thread: ThreadPoolExecutor
) -> None:
    """Also if the refusal has written the contact's links before this one is stored."""
    api = connect(factories.token(admin))

    with locked(person) as row:
        row.update(tracking_consent=TrackingConsent.DENIED)
        created = thread.submit(post_link, api, person)
        wait_until_blocked()

    assert created.result() == 200
    assert cached_consent(ShortLink.objects.get()) == consent.DENIED


def test_existing_link_is_cached_with_a_refusal_at_that_moment(
    person: Contact, admin: User, connect: Connect, thread: ThreadPoolExecutor
) -> None:
    link = factories.link(person)
    api = connect(factories.token(admin))

    with locked(person) as row:
        row.update(tracking_consent=TrackingConsent.DENIED)
        found = thread.submit(post_link, api, person)
        wait_until_blocked()

    assert found.result() == 200
    assert cached_consent(link) == consent.DENIED


def test_expired_link_is_replaced_during_a_refusal(
    person: Contact, admin: User, connect: Connect, thread: ThreadPoolExecutor
) -> None:
    """Both lock the contact before the link, so they do not wait for each other."""
    link = factories.link(person, expires_at=timezone.now() - timedelta(seconds=1))
    api = connect(factories.token(admin))

    with locked(person):
        replaced = thread.submit(post_link, api, person)
        wait_until_blocked()
        refuse(person, admin)

    assert replaced.result() == 200
    new = ShortLink.objects.exclude(pk=link.pk).get()
    assert cached_consent(new) == consent.DENIED


def test_note_is_not_stored_if_its_contact_is_erased_meanwhile(
    person: Contact, admin: User
) -> None:
    api = Api(factories.token(admin))
    text = {"note_type": "common", "params": {"text": "Called."}}
    note = {"entity_id": person.entity_id, **text}
    statuses: list[int] = []

    during(
        consent.LOCK,
        lambda: erasure.request(person, origin=ErasureOrigin.API, by=admin),
        lambda: statuses.append(api.post("/api/v4/contacts/notes", [note]).status_code),
    )

    assert statuses == [400]
    assert not Note.objects.exists()


@contextmanager
def locked(person: Contact) -> "Iterator[QuerySet[Contact]]":
    """Lock the contact as an edit does, until the end."""
    with transaction.atomic():
        row = Contact.objects.filter(pk=person.pk)
        assert list(row.select_for_update())
        yield row


def refuse(person: Contact, by: User) -> None:
    row = Contact.objects.get(pk=person.pk)
    refusal = ConsentAnswer(TrackingConsent.DENIED, ConsentChannel.API)
    tracking_consent.answer([(row, refusal)], by=by)


def post_link(api: Api, to: Contact) -> int:
    metadata = {"entity_type": "contacts", "entity_id": to.entity_id}
    body = [{"url": factories.URL, "metadata": metadata}]
    return in_own_connection(lambda: api.post(PATH, body).status_code)


def cached_consent(link: ShortLink) -> int:
    key = redis_cache.link_key(link.code)
    services.wait_for(lambda: client().exists(key), seconds=10)
    return msgspec.json.decode(client().get(key) or b"", type=CachedLink).consent
