"""Sign-in through a provider, played by a server in a thread.

`tests/browser/test_providers.py` has a real one.
"""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client
from pytest_django import Settings

from shortlinks.models import Account, User
from tests import factories
from tests.admin.simulated_provider import (
    LOGIN,
    Company,
    age,
    begin,
    come_back,
    configure,
    events,
    sign_in,
    user_of,
)


def test_new_user_has_the_rights_of_the_groups(
    company: Company, client: Client, account: Account
) -> None:
    response = sign_in(client, next="/admin/shortlinks/contact/")

    assert response.url == "/admin/shortlinks/contact/"
    user = user_of(client)
    assert user
    assert (user.email, user.name, user.account) == (
        "anna@shop.example",
        "Anna",
        account,
    )
    assert (user.contacts_view, user.contacts_edit, user.contacts_add) == (
        "G",
        "M",
        "D",
    )
    assert not user.has_usable_password()
    assert events("sign_in") == [("company", user.pk, account.pk)]


def test_neither_tokens_nor_claims_are_stored(company: Company, client: Client) -> None:
    sign_in(client)
    sign_in(Client())

    assert not SocialToken.objects.exists()
    assert [link.extra_data for link in SocialAccount.objects.all()] == [{}]


def test_code_is_bound_to_the_browser_by_pkce(company: Company, client: Client) -> None:
    sent = begin(client)
    come_back(client, sent)

    assert sent["code_challenge_method"] == "S256"
    assert "max_age" not in sent
    assert sent["redirect_uri"] == f"http://testserver{LOGIN}callback/"
    assert company.tokens[0]["code_verifier"]


def test_link_survives_a_changed_email(company: Company, client: Client) -> None:
    sign_in(client)
    company.describe(email="married@shop.example", groups=["chiefs"])

    sign_in(again := Client())

    user = user_of(again)
    assert user == user_of(client)
    assert user
    assert (user.email, user.is_admin) == ("anna@shop.example", True)
    assert [detail for detail, *_ in events("rights_changed")] == [
        "contacts_view, contacts_edit",
        "is_admin, contacts_view, contacts_edit",
    ]


def test_member_without_a_group_is_signed_out_everywhere(
    company: Company, client: Client
) -> None:
    sign_in(client)
    user = user_of(client)
    client.get("/admin/")
    company.describe(groups=[])

    response = sign_in(Client())

    assert response.status_code == 403
    assert client.get("/admin/").status_code == 302
    assert user
    user.refresh_from_db()
    assert (user.is_active, user.contacts_view) == (True, "G")
    assert events("sign_in_failed") == [("company", user.pk, user.account_id)]
    assert events("session_ended") == [("", user.pk, user.account_id)]


@pytest.mark.parametrize(
    ("fields", "claims", "text"),
    [
        ({}, {"email_verified": False}, "has not confirmed your e-mail"),
        ({}, {"groups": ["others"]}, "None of your groups"),
        ({"account": ""}, {}, "No user here has your e-mail"),
        ({"account": "missing"}, {}, "No user here has your e-mail"),
    ],
)
def test_stranger_is_refused_with_the_reason(
    company: Company,
    client: Client,
    settings: Settings,
    fields: dict[str, str],
    claims: dict[str, Any],
    text: str,
    account: Account,
) -> None:
    configure(settings, company, **{"account": account.subdomain, **fields})
    company.describe(**claims)

    response = sign_in(client)

    assert response.status_code == 403
    assert text in response.content.decode()
    assert user_of(client) is None
    assert not User.objects.exists()
    assert [detail for detail, *_ in events("sign_in_failed")] == ["company"]


@pytest.mark.parametrize("kind", ["operator", "foreign", "inactive", "closed"])
def test_user_who_may_not_come_is_refused(
    company: Company, client: Client, account: Account, kind: str
) -> None:
    made = {
        "operator": lambda: factories.user(account, is_superuser=True),
        "foreign": lambda: factories.user(factories.account()),
        "inactive": lambda: factories.user(account, is_active=False),
        "closed": lambda: factories.user(factories.account(is_active=False)),
    }[kind]()
    company.describe(email=made.email)

    response = sign_in(client)

    assert response.status_code == 403
    assert user_of(client) is None
    assert not SocialAccount.objects.exists()


def test_provider_of_all_signs_in_an_operator_with_equal_rights(
    company: Company, client: Client, settings: Settings
) -> None:
    configure(settings, company, account="")
    operator = factories.user(None, is_superuser=True)
    company.describe(email=operator.email)

    sign_in(client)

    assert user_of(client) == operator
    assert events("rights_changed") == []


def test_nobody_is_signed_in_by_a_link(company: Company, client: Client) -> None:
    page: Any = client.get(LOGIN)

    assert page.status_code == 200
    assert "Sign in with Company" in page.content.decode()


def test_going_to_the_provider_needs_a_token_of_the_form(company: Company) -> None:
    response: Any = Client(enforce_csrf_checks=True).post(LOGIN)

    assert response.status_code == 403
    assert "location" not in response.headers


def test_sign_in_page_has_a_form_for_each_provider(
    company: Company, client: Client
) -> None:
    page = client.get("/admin/login/").content.decode()

    assert page.count('<form method="post" action="/admin/account/oidc/') == 2


@pytest.mark.parametrize("id_", ["openid_connect", "unknown", "company2"])
def test_unknown_provider_is_not_found(
    company: Company, client: Client, id_: str
) -> None:
    assert client.post(f"/admin/account/oidc/{id_}/login/").status_code == 404
    assert client.get(f"/admin/account/oidc/{id_}/login/").status_code == 404
    path = f"/admin/account/oidc/{id_}/login/callback/"
    assert client.get(path, {"state": "a"}).status_code == 404


def test_administrator_from_a_provider_needs_no_factor_of_ours(
    company: Company, client: Client, settings: Settings
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "administrators"
    company.describe(groups=["chiefs"])
    sign_in(client)
    user = user_of(client)
    assert user
    by_password = Client()
    by_password.force_login(user)

    assert client.get("/admin/").status_code == 200
    assert (
        "You need a second factor"
        not in client.get("/admin/account/sessions/").content.decode()
    )
    redirected: Any = by_password.get("/admin/")
    assert redirected.url == "/admin/account/second-factor/"


def test_signed_in_user_cannot_connect_another_provider(
    company: Company, client: Client, admin: User
) -> None:
    client.force_login(admin)

    sign_in(client, process="connect")

    assert user_of(client) != admin
    assert not SocialAccount.objects.filter(user=admin).exists()


def test_entries_are_kept_on_the_way_to_the_provider(
    company: Company, client: Client
) -> None:
    kept = {"path": "/admin/shortlinks/contact/add/", "fields": [["name", "Boris"]]}

    response = sign_in(client, kept=json.dumps(kept))

    assert response.url == "/admin/continue/"
    assert "Boris" in client.get(response.url).content.decode()


def test_form_is_sent_after_signing_in_again_at_the_provider(
    company: Company, client: Client
) -> None:
    company.describe(groups=["chiefs"])
    sign_in(client)
    key = client.session.session_key
    user = user_of(client)
    assert user
    age(client)
    change = f"/admin/shortlinks/user/{user.pk}/change/"

    asked: Any = client.post(change, {"name": "Anna B."})
    assert urlsplit(asked.url).path == LOGIN
    response = sign_in(client, next=change)

    assert response.status_code == 200  # the form, with errors in other fields
    assert "Anna B." in response.content.decode()
    assert client.session.session_key != key
    assert client.get(change).status_code == 200
