"""The page of an integration: renewed secrets, and who authorized it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from shortlinks.domain.auth import client_secrets, oauth
from shortlinks.domain.auth.oauth import RegisteredIntegration
from shortlinks.models import (
    ApiToken,
    GrantKind,
    IntegrationSecret,
    OAuthFamily,
    SecurityEvent,
    User,
)
from shortlinks.models import SecurityEventKind as Kind
from tests.admin import html_forms
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

URI = "https://crm.example/"
SECRET = re.compile(r"not be shown again: ([\w-]{64})")

Press = Callable[..., str]


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


@pytest.fixture
def registered(admin: User) -> RegisteredIntegration:
    return oauth.register(user=admin, name="CRM", redirect_uri=URI)


@pytest.fixture
def press(client: Client, registered: RegisteredIntegration) -> Press:
    """Return a function that presses a button of the integration's page."""

    def post(step: str, **fields: str) -> str:
        path = address(registered.integration, step)
        response: Any = client.post(path, fields, follow=True)
        assert response.status_code == 200
        return str(response.content.decode())

    return post


def accepts(registered: RegisteredIntegration, secret: str) -> bool:
    try:
        oauth.authenticate(
            client_id=str(registered.integration.client_id),
            secret=secret,
            redirect_uri=URI,
        )
    except oauth.UnknownClient:
        return False
    return True


def pass_time(**times: Any) -> None:
    for row in IntegrationSecret.objects.exclude(expires_at=None):
        assert row.expires_at is not None
        row.expires_at -= timedelta(**times)
        row.save()


def test_renewed_secret_is_shown_once_and_the_old_one_works_for_a_week(
    client: Client, registered: RegisteredIntegration, press: Press
) -> None:
    page = press("renew_secret")

    [secret] = SECRET.findall(page)
    again = client.get(address(registered.integration, "change")).content.decode()
    assert secret not in again
    assert secret not in str(list(LogEntry.objects.values()))
    pass_time(days=6, hours=23)
    assert accepts(registered, secret)
    assert accepts(registered, registered.secret)
    pass_time(hours=1)
    assert accepts(registered, secret)
    assert not accepts(registered, registered.secret)


def test_renewal_is_an_event_and_a_log_entry(
    admin: User, registered: RegisteredIntegration, press: Press
) -> None:
    press("renew_secret")

    [event] = SecurityEvent.objects.filter(kind=Kind.SECRET_RENEWED)
    assert (event.account, event.user_id) == (admin.account, admin.pk)
    assert event.detail == "CRM"
    [entry] = LogEntry.objects.all()
    assert entry.user_id == admin.pk
    assert "Secret renewed. The old one works until" in entry.get_change_message()


def test_old_secret_can_be_ended_at_once(
    registered: RegisteredIntegration, press: Press
) -> None:
    before = press("end_old_secrets")
    [secret] = SECRET.findall(press("renew_secret"))

    page = press("end_old_secrets")

    assert accepts(registered, secret)
    assert not accepts(registered, registered.secret)
    assert SecurityEvent.objects.filter(kind=Kind.SECRET_ENDED).count() == 1
    assert "end_old_secrets" not in page
    assert "renew_secret" in page
    assert "Only the newest secret works now." in before


def test_button_that_is_pressed_twice_renews_once(
    client: Client, registered: RegisteredIntegration, press: Press
) -> None:
    path = address(registered.integration, "change")
    [token] = html_forms.parse(client.get(path), having="form_token")["form_token"]

    pages = [press("renew_secret", form_token=token) for _ in range(2)]

    assert IntegrationSecret.objects.count() == 2
    assert SECRET.findall(pages[0]) == SECRET.findall(pages[1])


def test_renewing_again_does_not_extend_the_old_secret(
    registered: RegisteredIntegration, press: Press
) -> None:
    press("renew_secret")
    pass_time(days=5)
    [secret] = SECRET.findall(press("renew_secret"))

    pass_time(days=3)

    assert not accepts(registered, registered.secret)
    assert accepts(registered, secret)


def test_only_the_last_secrets_stay(
    admin: User, registered: RegisteredIntegration
) -> None:
    renewed = [
        client_secrets.renew(registered.integration, by=admin)
        for _ in range(client_secrets.MAX_SECRETS)
    ]

    assert not accepts(registered, registered.secret)
    assert all(accepts(registered, secret) for secret in renewed)
    assert IntegrationSecret.objects.count() == client_secrets.MAX_SECRETS


def test_ended_secrets_are_deleted(
    admin: User, registered: RegisteredIntegration
) -> None:
    secret = client_secrets.renew(registered.integration, by=admin)
    pass_time(days=8)

    oauth.purge()

    assert IntegrationSecret.objects.count() == 1
    assert accepts(registered, secret)


def test_secrets_of_another_account_cannot_be_renewed(
    client: Client, foreign: World
) -> None:
    path = address(foreign.integration, "renew_secret")

    assert client.post(path).status_code == 404
    assert not SecurityEvent.objects.filter(kind=Kind.SECRET_RENEWED).exists()


def test_page_shows_users_for_whom_it_fetches_tokens(
    client: Client, admin: User, registered: RegisteredIntegration
) -> None:
    path = address(registered.integration, "change")
    assert str(admin) not in _authorizations(client, path)
    code = oauth.authorize(registered.integration, admin)
    oauth.redeem(registered.integration, kind=GrantKind.CODE, secret=code)

    assert f"{admin}: last refreshed" in _authorizations(client, path)

    OAuthFamily.objects.update(ended_at=timezone.now())
    assert str(admin) not in _authorizations(client, path)


def _authorizations(client: Client, path: str) -> str:
    page = client.get(path).content.decode()
    return page[page.index("Authorizations") : page.index("form_token")]


def test_revoking_a_fetched_token_ends_its_authorization(
    client: Client, admin: User, registered: RegisteredIntegration
) -> None:
    code = oauth.authorize(registered.integration, admin)
    pair = oauth.redeem(registered.integration, kind=GrantKind.CODE, secret=code)
    row = ApiToken.objects.get()

    client.post(listing(ApiToken), {"action": "revoke", "_selected_action": [row.pk]})

    with pytest.raises(oauth.GrantRejected):
        oauth.redeem(
            registered.integration, kind=GrantKind.REFRESH, secret=pair.refresh_token
        )


def test_list_and_page_of_tokens_show_networks_and_last_use(
    client: Client, own: World
) -> None:
    networks = [f"203.0.{number}.0" for number in range(5)]
    ApiToken.objects.filter(pk=own.token.pk).update(
        networks=networks, last_used_at=timezone.now()
    )

    shown = client.get(listing(ApiToken)).content.decode()
    page = client.get(address(own.token, "change")).content.decode()

    assert ", ".join(networks[:3]) in shown
    assert networks[4] not in shown
    assert ", ".join(networks) in page
