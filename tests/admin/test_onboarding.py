"""Onboarding list of a new installation."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shortlinks.models import Account, ApiToken, Contact, ShortLink, User
from tests import factories
from tests.admin import fixtures_full_account
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, listing

HOME = "/admin/"
BEGIN = "/admin/onboarding/account/"
ASIDE = "/admin/onboarding/dismiss/"
COMPANY = {
    "name": "Bakery",
    "subdomain": "bakery",
    "language": "en",
    "time_zone": "Europe/Moscow",
}


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _taken(client: Client) -> dict[str, bool]:
    page: Any = client.get(HOME)
    return {step.title: step.is_taken for step in page.context["steps"]}


def _next(client: Client) -> str:
    page: Any = client.get(HOME)
    return next((s.label for s in page.context["steps"] if s.is_next), "")


def test_operator_creates_the_first_account(sign_in: SignIn, operator: User) -> None:
    client = sign_in(operator)
    assert _next(client) == "Create account"

    response = client.post(BEGIN, COMPANY)

    account = Account.objects.get()
    operator.refresh_from_db()
    assert response.headers["Location"] == HOME
    assert (account.name, operator.account, operator.is_admin) == (
        "Bakery",
        account,
        True,
    )
    assert _next(client) == "Create a token"
    assert client.get(BEGIN).status_code == 403


def test_operator_is_not_asked_for_an_account_if_one_exists(
    sign_in: SignIn, operator: User, account: Account
) -> None:
    client = sign_in(operator)

    assert _taken(client) == {}
    assert client.post(BEGIN, COMPANY).status_code == 403


def test_first_account_rejects_invalid_values(sign_in: SignIn, operator: User) -> None:
    response = sign_in(operator).post(BEGIN, {**COMPANY, "time_zone": "Mars/Base"})

    assert (
        "Unknown time zone. Enter a name such as Europe/Moscow."
        in response.content.decode()
    )
    assert not Account.objects.exists()


def test_each_step_leads_to_the_next(client: Client, admin: User) -> None:
    assert _next(client) == "Create a token"
    new: Any = client.get(f"{listing(ApiToken, 'add')}?user={admin.pk}&name=CRM")
    form = new.context["adminform"].form
    life = form["expires_at"].value()
    posted = {
        "user": admin.pk,
        "name": "CRM",
        "scopes": form["scopes"].value(),
        "expires_at_0": f"{life:%Y-%m-%d}",
        "expires_at_1": f"{life:%H:%M:%S}",
    }

    issued = client.post(listing(ApiToken, "add"), posted)
    assert (issued.headers["Location"], _next(client)) == (HOME, "Add a contact")

    contact = {"account": admin.account_id, "name": "Me", "entity_id": ""}
    added = client.post(listing(Contact, "add"), contact)
    assert (added.headers["Location"], _next(client)) == (HOME, "Create a link")

    made = _make_link(client)
    assert "Go to dashboard" in made
    assert ShortLink.objects.get().code in made
    assert _next(client) == "Show the link again"

    fixtures_full_account._note(ShortLink.objects.get())
    assert _next(client) == ""
    assert "Getting started" not in client.get(HOME).content.decode()


def _make_link(client: Client) -> str:
    page: Any = client.get("/admin/onboarding/link/")
    ticket = page.context["form_token"]
    posted = {"url": "https://shop.example/", "form_token": ticket}
    return client.post("/admin/onboarding/link/", posted).content.decode()


def test_adding_redirects_to_the_list_when_all_steps_are_complete(
    client: Client, admin: User, own: World
) -> None:
    contact = {"account": admin.account_id, "name": "Another", "entity_id": ""}

    added = client.post(listing(Contact, "add"), contact)

    assert added.headers["Location"] == listing(Contact)


def test_first_link_requires_a_contact(client: Client) -> None:
    response = client.get("/admin/onboarding/link/")

    assert response.headers["Location"] == listing(Contact, "add")


def test_dismissing_hides_the_list_for_the_account(
    client: Client, sign_in: SignIn, account: Account
) -> None:
    another = sign_in(factories.admin(account))
    assert client.get(ASIDE).status_code == 405

    client.post(ASIDE)

    assert (_taken(client), _taken(another)) == ({}, {})


def test_manager_has_no_onboarding_list(sign_in: SignIn, manager: User) -> None:
    client = sign_in(manager)

    assert _taken(client) == {}
    assert client.post(ASIDE).status_code == 403
    assert client.post(BEGIN, COMPANY).status_code == 403
    assert client.get("/admin/onboarding/link/").status_code == 403


def test_onboarding_needs_only_a_token_when_there_is_an_open(
    client: Client, own: World
) -> None:
    client.get(HOME)  # the first page of a session sets the staff cookie

    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/onboarding/")

    # session, user, account, open
    assert len(queries) == 4
