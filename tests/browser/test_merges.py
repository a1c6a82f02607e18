"""Decision on a merge suggestion, and its undo, in a browser."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from shortlinks.models import Contact, MergeSuggestion, User
from tests import factories
from tests.domain.merging import steps

PASSWORD = "correct horse battery staple"


@pytest.fixture
def manager(transactional_db: None) -> User:
    account = factories.account(language="en")
    manager = factories.user(
        account, contacts_view="M", contacts_edit="M", language="en"
    )
    manager.set_password(PASSWORD)
    manager.save()
    for name in ("Anna Petrova", "Anna P."):
        contact = factories.contact(account, name=name, responsible_user=manager)
        steps.open_link("phone", contact)
    return manager


def test_manager_merges_contacts_and_undoes_it(
    page: Page, web: httpx.Client, manager: User
) -> None:
    suggestion = MergeSuggestion.objects.get()
    page.goto(f"{web.base_url}/admin/")
    page.fill("[name=username]", manager.email)
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")

    page.goto(f"{web.base_url}/admin/shortlinks/mergesuggestion/{suggestion.pk}/")
    expect(page.locator("body")).to_contain_text("Anna Petrova")
    expect(page.locator("body")).to_contain_text("Anna P.")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.locator("body")).to_contain_text("Contacts merged.")
    assert Contact.objects.exclude(merged_into=None).count() == 1

    page.goto(f"{web.base_url}/admin/shortlinks/merge/")
    page.get_by_role("link", name=re.compile("Anna")).first.click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("body")).to_contain_text("Merge undone.")
    assert not Contact.objects.exclude(merged_into=None).exists()
