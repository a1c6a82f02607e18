"""Every request passes every gate, with a cached token, too."""

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from shortlinks.api import gates
from shortlinks.api.documentation import Docs, OpenApi
from shortlinks.api.gates import CheckedRequest
from shortlinks.api.oauth import AccessToken, CurrentAccountDomain, TokenRevocation
from shortlinks.api.problems import Problem
from shortlinks.api.views import ApiView, PublicView
from shortlinks.domain.auth import tokens
from shortlinks.models import Account, ShortLink, User
from tests import factories
from tests.api.conftest import Connect
from tests.api.test_short_links import PATH, order

DETAIL = "The contract of this account has ended. Renew it."


def view_classes(patterns: list[URLPattern | URLResolver]) -> Iterator[type]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from view_classes(pattern.url_patterns)
        elif view := getattr(pattern.callback, "cls", None):
            yield view


def test_added_gate_rejects_creation_of_links(
    account: Account, admin: User, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = factories.contact(account)
    api = connect(factories.token(admin))
    monkeypatch.setattr(gates, "GATES", (*gates.GATES, refuse))

    response = api.post(PATH, order(contact.entity_id))

    assert response.status_code == 402
    assert DETAIL in response.content.decode()
    assert not ShortLink.objects.exists()


def refuse(checked: CheckedRequest) -> None:
    raise Problem(402, DETAIL)


def test_views_of_the_api_pass_the_gates() -> None:
    views = set(view_classes(get_resolver().url_patterns))

    assert len(views) > 20
    assert {view for view in views if not issubclass(view, ApiView)} == set()
    assert {view for view in views if "dispatch" in vars(view)} == set()
    assert {view for view in views if issubclass(view, PublicView)} == {
        AccessToken,
        CurrentAccountDomain,
        Docs,
        OpenApi,
        TokenRevocation,
    }


def test_request_counts_once_for_the_limits(
    account: Account, admin: User, connect: Connect, settings: Settings
) -> None:
    contact = factories.contact(account)
    api = connect(factories.token(admin))
    api.post(PATH, order(contact.entity_id))
    settings.API_RATE_LIMIT_PER_TOKEN = 3

    responses = [api.post(PATH, order(contact.entity_id)) for _ in range(3)]

    assert [response.status_code for response in responses] == [200] * 3


def test_creation_over_the_limit_is_429(
    account: Account, admin: User, connect: Connect, settings: Settings
) -> None:
    contacts = [factories.contact(account) for _ in range(10)]
    api = connect(factories.token(admin))
    settings.API_RATE_LIMIT_PER_TOKEN = 1

    responses = [api.post(PATH, order(contact.entity_id)) for contact in contacts]

    refused = [response for response in responses if response.status_code == 429]
    assert refused
    assert all(response.headers["Retry-After"] == "1" for response in refused)
    assert ShortLink.objects.count() == len(responses) - len(refused)


def test_token_revoked_after_the_gates_creates_no_link(
    account: Account, admin: User, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = factories.contact(account)
    issued = tokens.issue(admin, name="CRM")
    api = connect(issued.text)

    def revoke(checked: CheckedRequest) -> None:
        tokens.revoke([checked.caller.token])

    monkeypatch.setattr(gates, "GATES", (*gates.GATES, revoke))
    response = api.post(PATH, order(contact.entity_id))

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert not ShortLink.objects.exists()
