"""New secrets are shown by one page, and are in no cookie and no readable session."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from shortlinks.domain.auth import oauth
from shortlinks.models import ApiToken, Integration, User, Webhook
from tests.admin import html_forms, shown_messages
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import address, listing

SECRET = re.compile(r" (\S{30,})$")
Make = Callable[[Client, User], Any]


def new_token(client: Client, admin: User) -> Any:
    return _add(client, ApiToken, name=["CRM"], user=[admin.pk])


def new_integration(client: Client, admin: User) -> Any:
    return _add(client, Integration, name=["CRM"], redirect_uri=["https://crm.example"])


def new_webhook(client: Client, admin: User) -> Any:
    url = "https://crm.example/hook"
    return _add(client, Webhook, destination=[url], settings=["note_contact"])


def renewed_secret(client: Client, admin: User) -> Any:
    row = _integration(admin)
    return client.post(address(row, "change").replace("change/", "renew_secret/"))


def authorization_code(client: Client, admin: User) -> Any:
    row = _integration(admin)
    posted = {"action": "authorize", "_selected_action": [row.pk]}
    return client.post(listing(Integration), posted)


def _add(client: Client, model: Any, **values: Any) -> Any:
    path = listing(model, "add")
    sent = html_forms.parse(client.get(path), having="form_token")
    return client.post(path, {**sent, **values})


def _integration(user: User) -> Integration:
    return oauth.register(
        user=user, name="CRM", redirect_uri="https://crm.example", scopes=[]
    ).integration


@pytest.mark.parametrize(
    "make",
    [new_token, new_integration, new_webhook, renewed_secret, authorization_code],
)
def test_new_secret_is_in_no_cookie_and_shown_once(
    sign_in: SignIn, admin: User, make: Make
) -> None:
    client = sign_in(admin)

    response = make(client, admin)

    said = shown_messages.waiting(response)
    [secret] = [found for text in said for found in SECRET.findall(text)]
    kept = str(dict(client.session)) + client.session.encode(dict(client.session))
    assert secret not in str(response.headers) + str(client.cookies) + kept
    assert set(client.cookies) <= {
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
    }
    pages = [client.get("/admin/").content.decode() for _ in range(2)]
    assert [secret in page for page in pages] == [True, False]


def test_message_is_dropped_without_its_key(
    sign_in: SignIn, admin: User, settings: Any
) -> None:
    client = sign_in(admin)
    new_token(client, admin)
    session = client.session
    session["_messages"] = "no longer readable"
    session.save()

    assert client.get("/admin/").status_code == 200
