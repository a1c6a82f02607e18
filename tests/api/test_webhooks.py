"""Webhook subscriptions through the API, by administrators only."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from shortlinks.api import webhooks
from shortlinks.domain.visits import processing
from shortlinks.domain.webhooks import secret_encryption, subscriptions
from shortlinks.models import Account, User, Webhook, WebhookDelivery
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/webhooks"
URL = "https://receiver.example/hook?key=1"


def subscribe(api: Api, **changed: object) -> Any:
    body = {"destination": URL, "settings": ["note_contact"], **changed}
    return api.post(PATH, {k: v for k, v in body.items() if v is not None})


def test_subscription_has_amocrms_keys_and_the_secret(
    account: Account, admin: User, api: Api
) -> None:
    response = subscribe(api, sort=3)

    assert response.status_code == 201
    webhook = Webhook.objects.get()
    answer = response.json()
    secret = answer.pop("secret")
    assert answer == {
        "id": webhook.id,
        "destination": URL,
        "created_at": int(webhook.created_at.timestamp()),
        "updated_at": int(webhook.updated_at.timestamp()),
        "account_id": account.id,
        "created_by": admin.id,
        "sort": 3,
        "disabled": False,
        "paused": False,
        "failing_since": None,
        "last_error": "",
        "settings": ["note_contact"],
    }
    Verifier(secret)
    assert secret.startswith("whsec_")
    assert secret not in webhook.secret
    assert secret_encryption.decrypt(webhook.secret) == secret


@pytest.mark.parametrize(
    "written",
    [
        *(f" {URL}", f"{URL}\n", f"{URL}\u00a0", f"{URL}#part"),
        URL.replace("https://r", "HTTPS://R"),
        URL.replace("/hook", ":443/hook"),
    ],
)
def test_receiver_has_one_webhook_however_its_url_is_written(
    api: Api, written: str
) -> None:
    subscribe(api)

    again = subscribe(api, destination=written)

    assert (again.status_code, again.json()["destination"]) == (201, URL)
    assert Webhook.objects.count() == 1
    assert unsubscribe(api, written).status_code == 204


def test_subscription_is_updated_and_keeps_its_secret_when_repeated(
    api: Api,
) -> None:
    first = subscribe(api).json()
    factories.disable(Webhook.objects.get())
    before = Webhook.objects.get().secret

    again = subscribe(api, sort=7)

    webhook = Webhook.objects.get()
    assert again.status_code == 201
    assert "secret" not in again.json()
    assert (again.json()["id"], again.json()["disabled"]) == (first["id"], False)
    assert (webhook.sort, webhook.secret, webhook.disabled_at) == (7, before, None)


def test_subscribing_again_to_a_disabled_webhook_makes_its_events_due(
    account: Account, api: Api
) -> None:
    subscribe(api)
    factories.visit(factories.link(factories.contact(account)))
    processing.process_due()
    later = timezone.now() + timedelta(hours=1)
    WebhookDelivery.objects.update(due_at=later, attempts=3)
    factories.disable(Webhook.objects.get())

    subscribe(api)

    delivery = WebhookDelivery.objects.get()
    assert delivery.due_at is not None
    assert (delivery.due_at < later, delivery.attempts) == (True, 0)


def test_subscribing_again_does_not_end_a_pause(api: Api) -> None:
    subscribe(api)
    subscriptions.pause(Webhook.objects.all())

    again = subscribe(api, settings=["merge_contact"]).json()

    assert (again["paused"], again["settings"]) == (True, ["merge_contact"])


def test_list_says_since_when_and_why_a_webhook_fails(api: Api) -> None:
    subscribe(api)
    Webhook.objects.update(
        failing_since=factories.at("04:13"), failures=2, last_error="status: 502"
    )

    listed: Any = api.get(PATH)

    [webhook] = listed.json()["_embedded"]["webhooks"]
    assert webhook["failing_since"] == int(factories.at("04:13").timestamp())
    assert webhook["last_error"] == "The server answered 502."
    assert webhook["disabled"] is False


def test_list_has_a_total_and_filters_by_destination(api: Api) -> None:
    for number in range(3):
        subscribe(api, destination=f"{URL}&n={number}")
    factories.webhook(factories.account(), URL)

    listed: Any = api.get(f"{PATH}?limit=2")
    query = urlencode({"filter[destination]": f"{URL}&n=1"})
    filtered: Any = api.get(f"{PATH}?{query}")

    assert listed.json().keys() == {"_total_items", "_page", "_links", "_embedded"}
    assert listed.json()["_total_items"] == 3
    webhooks = listed.json()["_embedded"]["webhooks"]
    assert [w["destination"] for w in webhooks] == [f"{URL}&n=0", f"{URL}&n=1"]
    assert all("secret" not in webhook for webhook in webhooks)
    assert filtered.json()["_total_items"] == 1
    assert filtered.json()["_embedded"]["webhooks"] == [webhooks[1]]


@pytest.mark.parametrize("query", ["", "?filter[destination]=x", "?page=7"])
def test_empty_list_has_no_body(api: Api, query: str) -> None:
    response = api.get(PATH + query)

    assert (response.status_code, response.content) == (204, b"")


def unsubscribe(api: Api, destination: str) -> Any:
    body = json.dumps({"destination": destination})
    return api.send("DELETE", PATH, data=body, content_type="application/json")


def test_webhook_is_deleted_when_unsubscribed(api: Api) -> None:
    subscribe(api)
    foreign, _ = factories.webhook(factories.account(), URL)

    deleted, missing = unsubscribe(api, URL), unsubscribe(api, URL)

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert missing.status_code == 404
    assert list(Webhook.objects.all()) == [foreign]


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"destination": None}, "FieldMissing", "destination"),
        ({"destination": 5}, "InvalidType", "destination"),
        ({"destination": ""}, "InvalidUrl", "destination"),
        ({"destination": "nonsense"}, "InvalidUrl", "destination"),
        ({"destination": "http://receiver.example/"}, "UnsafeUrl", "destination"),
        ({"destination": "https://127.0.0.1/"}, "UnsafeUrl", "destination"),
        ({"destination": "https://localhost/"}, "UnsafeUrl", "destination"),
        ({"destination": "https://a.example:25/"}, "UnsafeUrl", "destination"),
        ({"destination": f"{URL}{'x' * 600}"}, "TooLong", "destination"),
        ({"settings": None}, "FieldMissing", "settings"),
        ({"settings": "note_contact"}, "InvalidType", "settings"),
        ({"settings": []}, "NotSupportedChoice", "settings"),
        ({"settings": ["add_lead"]}, "NotSupportedChoice", "settings"),
        ({"settings": [["note_contact"]]}, "NotSupportedChoice", "settings"),
        ({"sort": "1"}, "InvalidType", "sort"),
        ({"sort": 2**63}, "InvalidType", "sort"),
    ],
)
def test_error_names_the_field(
    api: Api, changed: dict[str, Any], code: str, path: str
) -> None:
    response = subscribe(api, **changed)

    assert response.status_code == 400
    [item] = response.json()["validation-errors"]
    assert [(e["code"], e["path"]) for e in item["errors"]] == [(code, path)]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("body", [[], [{}], "text", None])
def test_body_is_rejected_if_it_is_not_an_object(api: Api, body: object) -> None:
    response = api.send(
        "POST", PATH, data=json.dumps(body), content_type="application/json"
    )

    assert response.status_code == 400


def test_subscription_is_rejected_above_the_limit(
    api: Api, account: Account, admin: User
) -> None:
    Webhook.objects.bulk_create(
        Webhook(account=account, destination=f"{URL}{n}", settings=["note_contact"])
        for n in range(100)
    )

    additional = subscribe(api)
    repeated = subscribe(api, destination=f"{URL}7")

    [item] = additional.json()["validation-errors"]
    assert item["errors"][0]["code"] == "TooMany"
    assert repeated.status_code == 201


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_webhooks_are_forbidden_for_managers_and_without_the_scope(
    method: str, admin: User, manager: User, caller: Callable[[User], Api]
) -> None:
    body = {"data": json.dumps({"destination": URL, "settings": ["note_contact"]})}
    options: Any = {**body, "content_type": "application/json"}
    limited = Api(factories.token(admin, scopes=["links:write"]))

    by_manager: Any = caller(manager).send(method, PATH, **options)
    without_scope: Any = limited.send(method, PATH, **options)

    assert (by_manager.status_code, without_scope.status_code) == (403, 403)
    assert by_manager.json()["detail"] == webhooks.FOR_ADMINISTRATORS
    assert without_scope.json()["detail"] == "Invalid scope"
    assert not Webhook.objects.exists()


def test_secrets_are_encrypted_again_with_a_new_key(api: Api, settings: Any) -> None:
    secret = subscribe(api).json()["secret"]
    old = dict(settings.WEBHOOK_KEYS)
    settings.WEBHOOK_KEYS = {"k2": b"n" * 48, **old}

    assert subscriptions.reencrypt_secrets() == 1
    assert subscriptions.reencrypt_secrets() == 0
    settings.WEBHOOK_KEYS = {"k2": b"n" * 48}

    assert secret_encryption.decrypt(Webhook.objects.get().secret) == secret
    settings.WEBHOOK_KEYS = {"k3": b"m" * 48, **old}
    assert subscriptions.reencrypt_secrets() == 0  # without its key, it is kept
