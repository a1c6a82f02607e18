"""Messages of the admin beyond a quota, in both languages."""

import math
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from pytest_django import Settings

from shortlinks.domain import quotas
from shortlinks.models import AccountUsage, Contact, Import, ShortLink, User
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, listing
from tests.admin.test_contact_imports import PATH as IMPORT

URL = "https://shop.example/new"


@pytest.fixture(params=["en", "ru"])
def client(
    request: Any, admin: User, own: World, sign_in: SignIn, settings: Settings
) -> Client:
    """Return a browser of an administrator whose account's quotas are reached."""
    settings.MAX_CONTACTS_PER_ACCOUNT = settings.MAX_LINKS_PER_ACCOUNT = 1
    settings.MAX_UNFINISHED_IMPORTS_PER_ACCOUNT = 1
    usage = {"contacts": 1, "links": 1, "counted_to": 1}
    AccountUsage.objects.update_or_create(account=own.account, defaults=usage)
    quotas.clear_cache()
    User.objects.filter(pk=admin.pk).update(language=request.param)
    admin.refresh_from_db()
    return sign_in(admin)


def _shows(page: Any, user: User, message: str) -> bool:
    with translation.override(user.language):
        return gettext(message) in page.content.decode()


def test_new_contact_is_refused_with_a_message(client: Client, admin: User) -> None:
    before = Contact.objects.count()
    posted = {"account": admin.account_id, "entity_id": "", "name": "Anna"}

    page = client.post(listing(Contact, "add"), posted)

    assert _shows(page, admin, quotas.TOO_MANY_CONTACTS)
    assert Contact.objects.count() == before


class ReadOnce(dict[int, Any]):
    """A cache whose entries expire after they are read."""

    def get(self, key: int, default: Any = None) -> Any:
        return self.pop(key, default)


def test_new_contact_is_refused_if_the_quota_is_reached_meanwhile(
    client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdated = (math.inf, quotas.NO_USAGE)
    monkeypatch.setattr(quotas, "_cache", ReadOnce({admin.account_id or 0: outdated}))
    posted = {"account": admin.account_id, "entity_id": "", "name": "Anna"}

    page = client.post(listing(Contact, "add"), posted)

    assert _shows(page, admin, quotas.TOO_MANY_CONTACTS)
    assert not Contact.objects.filter(name="Anna").exists()


def test_new_links_are_refused_with_a_message(
    client: Client, admin: User, own: World
) -> None:
    chosen = {"action": "create_links", "_selected_action": [own.contact.pk]}

    page = client.post(listing(Contact), {**chosen, "url": URL}, follow=True)

    assert _shows(page, admin, quotas.TOO_MANY_LINKS)
    assert not ShortLink.objects.filter(url=URL).exists()


def test_another_import_is_refused_with_a_message(client: Client, admin: User) -> None:
    Import.objects.all().delete()
    files = [SimpleUploadedFile("a.csv", b"name\nAnna\n", "text/csv") for _ in "12"]

    client.post(IMPORT, {"file": files[0]})
    page = client.post(IMPORT, {"file": files[1]})

    assert _shows(page, admin, quotas.TOO_MANY_IMPORTS)
    assert Import.objects.count() == 1
