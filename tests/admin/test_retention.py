"""Administrators choose how long data are kept, and see what is deleted next."""

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from shortlinks.domain.personal_data import retention
from shortlinks.models import Account, Note, User
from tests import factories
from tests.admin import html_forms
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address


def post(client: Client, account: Account, **periods: str) -> Any:
    page = client.get(address(account, "change"))
    fields = html_forms.parse(page, having="notes_days")
    fields |= {name: [value] for name, value in periods.items()}
    return client.post(address(account, "change"), fields)


def choose(client: Client, account: Account, **periods: str) -> int:
    return int(post(client, account, **periods).status_code)


def posted(client: Client, account: Account, **periods: str) -> str:
    return html.unescape(post(client, account, **periods).content.decode())


def shown(client: Client, account: Account) -> dict[str, tuple[str, str]]:
    page = client.get(address(account, "change"))
    return {line.what: (line.period, line.next) for line in page.context["retention"]}


def test_administrator_sees_what_goes_next(
    own: World, admin: User, account: Account, sign_in: SignIn
) -> None:
    client = sign_in(admin)
    Note.objects.all().delete()
    for days in (24, 25, 26):
        factories.note(own.contact, created_at=timezone.now() - timedelta(days=days))

    periods = {"notes_days": "30", "deliveries_days": "7"}
    assert choose(client, account, **periods, confirms_deletion="on") == 302

    account.refresh_from_db()
    assert (account.notes_days, account.deliveries_days) == (30, 7)
    lines = shown(client, account)
    assert lines["Notes"] == ("30 days", "3")
    assert lines["Chats"] == ("kept", "0")
    assert lines["Webhook deliveries"][0] == "7 days"


def test_period_must_be_one_of_the_choices(
    admin: User, account: Account, sign_in: SignIn
) -> None:
    assert choose(sign_in(admin), account, notes_days="8") == 200

    account.refresh_from_db()
    assert account.notes_days is None


def test_shorter_period_shows_what_it_deletes_and_needs_a_confirmation(
    own: World, admin: User, account: Account, sign_in: SignIn
) -> None:
    client = sign_in(admin)
    Note.objects.all().delete()
    factories.note(own.contact, created_at=timezone.now() - timedelta(days=400))

    page = posted(client, account, notes_days="365")

    assert "Notes older than 365 days: 1. Confirm the deletion." in page
    account.refresh_from_db()
    assert account.notes_days is None
    assert choose(client, account, notes_days="365", confirms_deletion="on") == 302
    assert choose(client, account, notes_days="730") == 302  # longer


def test_long_counts_have_a_limit(
    own: World,
    admin: User,
    account: Account,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = sign_in(admin)
    Account.objects.update(notes_days=7)
    for _ in range(3):
        factories.note(own.contact, created_at=timezone.now() - timedelta(days=9))

    monkeypatch.setattr(retention, "MAX_COUNT", 2)

    assert shown(client, account)["Notes"] == ("7 days", "more than 2")
