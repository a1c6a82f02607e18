"""Tracking consents in the API: written with their source, and never forgotten."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from shortlinks.models import Account, ConsentRecord, Contact, User
from tests import factories
from tests.conftest import Api

PATH = "/api/v4/contacts"
GIVEN_AT = 1_790_000_000
CONSENT = {
    "tracking_consent": "granted",
    "consent_source": "https://shop.example/subscribe",
    "consent_text_version": "2026-09",
    "consent_given_at": GIVEN_AT,
}


@pytest.fixture
def refusing(account: Account) -> Contact:
    return factories.contact(account, entity_id=42, tracking_consent="denied")


def _history(api: Api, entity_id: int = 42) -> list[dict[str, Any]]:
    response: Any = api.get(f"{PATH}/{entity_id}/consents")
    if response.status_code == 204:
        return []
    rows: list[dict[str, Any]] = response.json()["_embedded"]["consents"]
    return rows


def test_consent_is_stored_with_source_text_time_and_user(
    account: Account, admin: User, api: Api
) -> None:
    factories.contact(account, entity_id=42)

    response: Any = api.patch(f"{PATH}/42", CONSENT)

    assert response.status_code == 200
    [record] = _history(api)
    assert {name: record[name] for name in CONSENT} == CONSENT
    assert (record["channel"], record["recorded_by"]) == ("api", admin.pk)
    assert abs(record["recorded_at"] - time.time()) < 60


def test_new_contact_can_have_a_consent(account: Account, api: Api) -> None:
    response: Any = api.post(PATH, [{"id": 42, **CONSENT}, {"id": 43}])

    assert response.status_code == 200
    assert Contact.objects.get(entity_id=42).tracking_consent == "granted"
    assert [each["consent_source"] for each in _history(api)] == [
        CONSENT["consent_source"]
    ]
    assert _history(api, 43) == []


def test_history_has_the_newest_record_first_and_no_repetition(
    account: Account, api: Api
) -> None:
    factories.contact(account, entity_id=42)
    again = {"tracking_consent": "granted"}
    for consent in (CONSENT, CONSENT, {"tracking_consent": "denied"}, again):
        assert api.patch(f"{PATH}/42", consent).status_code == 200

    assert [each["tracking_consent"] for each in _history(api)] == [
        *("granted", "denied", "granted")
    ]


@pytest.mark.parametrize(
    "body",
    [
        [{"id": 42, "tracking_consent": "unknown"}],
        [{"id": 42, "name": "New", "tracking_consent": "unknown"}],
        [{"id": 42, "tracking_consent": "unknown", "consent_source": "import"}],
        [{"id": 43, "name": "New"}, {"id": 42, "tracking_consent": "unknown"}],
    ],
)
def test_refusal_does_not_become_unknown(
    account: Account, api: Api, refusing: Contact, body: Any
) -> None:
    other = factories.contact(account, entity_id=43, name="Old")

    response: Any = api.patch(PATH, body)

    assert response.status_code == 400
    [errors] = response.json()["validation-errors"]
    assert errors["request_id"] == str(len(body) - 1)
    assert [each["path"] for each in errors["errors"]] == ["tracking_consent"]
    refusing.refresh_from_db()
    other.refresh_from_db()
    assert (refusing.tracking_consent, other.name) == ("denied", "Old")
    assert not ConsentRecord.objects.exists()


def test_refusal_is_not_forgotten_within_one_request(
    account: Account, api: Api
) -> None:
    contact = factories.contact(account, entity_id=42)
    consents = ("denied", "unknown")

    response = api.patch(PATH, [{"id": 42, "tracking_consent": c} for c in consents])

    assert response.status_code == 400
    contact.refresh_from_db()
    assert contact.tracking_consent == "unknown"


def test_other_changes_keep_a_refusal(api: Api, refusing: Contact) -> None:
    assert api.patch(f"{PATH}/42", {"name": "Anna"}).status_code == 200

    refusing.refresh_from_db()
    assert refusing.tracking_consent == "denied"


def test_new_consent_replaces_a_refusal(api: Api, refusing: Contact) -> None:
    assert api.patch(f"{PATH}/42", CONSENT).status_code == 200

    refusing.refresh_from_db()
    assert refusing.tracking_consent == "granted"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"consent_source": "form"}, "tracking_consent"),
        ({"consent_text_version": "1"}, "tracking_consent"),
        ({"consent_given_at": GIVEN_AT}, "tracking_consent"),
        (CONSENT | {"consent_given_at": 99_999_999_999}, "consent_given_at"),
        (CONSENT | {"consent_given_at": -1}, "consent_given_at"),
        (CONSENT | {"consent_given_at": "2026-09-01"}, "consent_given_at"),
        (CONSENT | {"consent_source": "x" * 251}, "consent_source"),
        (CONSENT | {"consent_source": "a\0b"}, "consent_source"),
        (CONSENT | {"consent_text_version": "x" * 101}, "consent_text_version"),
        (CONSENT | {"tracking_consent": "yes"}, "tracking_consent"),
    ],
)
@pytest.mark.parametrize("method", ["post", "patch"])
def test_invalid_consent_is_an_error_and_changes_nothing(
    account: Account, api: Api, method: str, change: dict[str, Any], path: str
) -> None:
    factories.contact(account, entity_id=42)
    id_ = 42 if method == "patch" else 43

    response: Any = getattr(api, method)(PATH, [{"id": id_, **change}])

    assert response.status_code == 400
    [errors] = response.json()["validation-errors"]
    assert path in [each["path"] for each in errors["errors"]]
    assert not ConsentRecord.objects.exists()
    assert not Contact.objects.filter(entity_id=43).exists()


def test_consent_of_before_a_refusal_does_not_replace_it(
    account: Account, api: Api
) -> None:
    factories.contact(account, entity_id=42)
    api.patch(f"{PATH}/42", {"tracking_consent": "denied"})

    assert api.patch(f"{PATH}/42", CONSENT).status_code == 400

    assert Contact.objects.get().tracking_consent == "denied"
    assert [each["tracking_consent"] for each in _history(api)] == ["denied"]


def test_two_answers_in_one_request_are_both_in_the_history(
    account: Account, api: Api
) -> None:
    factories.contact(account, entity_id=42)
    answers = [CONSENT | {"id": 42, "consent_source": name} for name in ("a", "b")]

    assert api.patch(PATH, answers).status_code == 200

    assert [each["consent_source"] for each in _history(api)] == ["b", "a"]


def test_manager_does_not_see_who_recorded_a_consent(
    account: Account, api: Api, manager: User, caller: Callable[[User], Api]
) -> None:
    factories.contact(account, entity_id=42, responsible_user=manager)
    api.patch(f"{PATH}/42", CONSENT)

    [record] = _history(caller(manager))

    assert record["recorded_by"] == 0
