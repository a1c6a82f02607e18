"""Sign-in through a provider, played by a server in a thread.

`tests/browser/test_providers.py` has a real one.
"""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client
from pytest_django import Settings

from shortlinks.admin.sign_in import checked_provider
from shortlinks.models import Account, SecurityEvent, User
from tests import factories, receivers
from tests.admin import simulated_provider
from tests.admin.simulated_provider import Company, configure

LOGIN = "/admin/account/oidc/company/login/"


@pytest.fixture
def company(account: Account, settings: Settings) -> Iterator[Company]:
    with receivers.serving(simulated_provider.Handler) as (server, url):
        server.company = Company(url.removesuffix("/hook"))
        configure(settings, server.company, account=account.subdomain)
        server.company.describe()
        yield server.company


def begin(client: Client, **sent: str) -> dict[str, str]:
    """Go to the provider, and return the parameters with which it is called."""
    response: Any = client.post(LOGIN, sent)
    assert "Refresh" in response.headers, response.content.decode()
    _, _, url = response.headers["Refresh"].partition("; url=")
    return {name: v[0] for name, v in parse_qs(urlsplit(url).query).items()}


def sign_in(client: Client, **sent: str) -> Any:
    return come_back(client, begin(client, **sent))


def come_back(client: Client, sent: dict[str, str]) -> Any:
    """Return from the provider, whose token repeats the nonce in the code."""
    answer = {"code": sent["nonce"], "state": sent["state"]}
    return client.get(f"{LOGIN}callback/", answer)


def user_of(client: Client) -> User | None:
    id_ = client.session.get("_auth_user_id")
    return User.objects.get(pk=id_) if id_ else None


def events(kind: str) -> list[tuple[str, int | None, int | None]]:
    found = SecurityEvent.objects.filter(kind=kind).order_by("id")
    return list(found.values_list("detail", "user", "account"))


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


def test_callback_without_a_state_is_refused(company: Company, client: Client) -> None:
    response: Any = client.get(f"{LOGIN}callback/", {"code": "a", "state": "b"})

    assert response.status_code == 401
    assert "did not confirm who you are" in response.content.decode()
    assert company.tokens == []


def test_cancellation_leads_back(company: Company, client: Client) -> None:
    state = begin(client)["state"]
    sent = {"error": "access_denied", "state": state}

    page: Any = client.get(f"{LOGIN}callback/", sent, follow=True)

    assert "You went back" in page.content.decode()
    assert events("sign_in_failed") == []


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/token", None),
        ("/token", {"error": "invalid_grant"}),
        ("/userinfo", None),
        ("/userinfo", "no JSON"),
        ("/userinfo", []),
        ("/userinfo", {"email": "anna@shop.example"}),
        ("/userinfo", {"sub": "s" * 192}),
        ("/userinfo", {"sub": "a\0b"}),
        ("/userinfo", {"sub": None, "email": "anna@shop.example"}),
        ("/userinfo", {"sub": ["s-1"]}),
    ],
)
def test_failing_provider_is_a_clear_error(
    company: Company, client: Client, path: str, answer: Any
) -> None:
    sent = begin(client)
    company.answers[path] = answer

    response = come_back(client, sent)

    assert response.status_code in {401, 403, 502}
    assert "Sign-in failed" in response.content.decode()
    assert user_of(client) is None


@pytest.mark.parametrize("answer", [None, "no JSON", {}, []])
def test_failing_discovery_is_a_clear_error(
    company: Company, client: Client, answer: Any
) -> None:
    company.answers["/.well-known/openid-configuration"] = answer

    response: Any = client.post(LOGIN)

    assert response.status_code in {401, 502}
    assert "Sign-in failed" in response.content.decode()


def test_discovery_document_is_read_every_ten_minutes(
    company: Company, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    sign_in(Client())
    assert company.requests.count("/.well-known/openid-configuration") == 1

    monkeypatch.setattr(checked_provider, "CONFIGURATION_TTL", 0)
    begin(Client())

    assert company.requests.count("/.well-known/openid-configuration") > 1


@pytest.mark.parametrize("nonce", ["another", None, 1])
def test_token_of_another_sign_in_is_refused(
    company: Company, client: Client, nonce: object
) -> None:
    company.id_claims = {"nonce": nonce}

    response = sign_in(client)

    assert response.status_code == 502
    assert user_of(client) is None


def test_answer_without_id_token_is_refused(company: Company, client: Client) -> None:
    company.answers["/token"]["id_token"] = ""

    assert sign_in(client).status_code == 502
    assert user_of(client) is None


@pytest.mark.parametrize(
    ("seconds", "status"), [(5, 200), (1800, 302)], ids=["again", "not again"]
)
def test_signed_in_user_has_to_sign_in_again_at_the_provider(
    company: Company, client: Client, seconds: int, status: int
) -> None:
    company.describe(groups=["chiefs"])
    sign_in(client)
    user = user_of(client)
    age(client)
    company.id_claims = {"auth_time": time.time() - seconds}

    sent = begin(client)
    come_back(client, sent)

    assert sent["max_age"] == "0"
    assert user_of(client) == user
    assert client.get("/admin/shortlinks/apitoken/add/").status_code == status


def test_sign_in_that_began_before_another_is_not_recorded_as_recent(
    company: Company, client: Client
) -> None:
    company.describe(groups=["chiefs"])
    early, late = begin(client), begin(client)
    come_back(client, late)
    age(client)

    come_back(client, early)

    assert client.get("/admin/shortlinks/apitoken/add/").status_code == 302


def test_claims_of_two_persons_are_refused(company: Company, client: Client) -> None:
    company.id_claims = {"sub": "s-2"}

    response = sign_in(client)

    assert response.status_code == 502
    assert user_of(client) is None


def test_groups_are_read_from_the_id_token_too(
    company: Company, client: Client
) -> None:
    company.describe()
    del company.answers["/userinfo"]["groups"]
    company.id_claims = {"groups": ["chiefs"]}

    sign_in(client)

    user = user_of(client)
    assert user
    assert user.is_admin


def test_unavailable_provider_is_a_clear_error(
    company: Company, client: Client
) -> None:
    company.answers.clear()

    response: Any = client.post(LOGIN)

    assert response.status_code == 502
    assert "The provider is unavailable" in response.content.decode()


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
    settings.REQUIRE_SECOND_FACTOR = True
    company.describe(groups=["chiefs"])
    sign_in(client)
    user = user_of(client)
    assert user
    by_password = Client()
    by_password.force_login(user)

    assert client.get("/admin/").status_code == 200
    assert (
        "Administrators need"
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


def age(client: Client) -> None:
    """Let the sign-in be an hour ago."""
    session = client.session
    session["signed_in_at"] -= 3600
    for record in session["account_authentication_methods"]:
        record["at"] -= 3600
    session.save()


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
    assert client.session.session_key == key
    assert client.get(change).status_code == 200
