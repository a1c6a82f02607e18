"""Security events are recorded, counted, masked, readable and deleted."""

import csv
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from shortlinks.domain.auth import security_events, tokens
from shortlinks.models import ApiToken, SecurityEvent, User
from shortlinks.models import SecurityEventKind as Kind
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

PASSWORD = "correct horse battery"
ADDRESS = {"REMOTE_ADDR": "203.0.113.77"}
NETWORK = "203.0.113.0"


def events(**fields: Any) -> list[tuple[Any, ...]]:
    rows = SecurityEvent.objects.filter(**fields).order_by("pk")
    return list(rows.values_list("kind", "user", "detail", "network", "count"))


def _sign_in(email: str, password: str) -> int:
    posted = {"username": email, "password": password}
    return Client().post("/admin/login/", posted, **ADDRESS).status_code  # type: ignore[arg-type]


@pytest.fixture
def person(admin: User) -> User:
    admin.set_password(PASSWORD)
    admin.save()
    return admin


def test_sign_ins_are_recorded(person: User) -> None:
    statuses = [_sign_in(person.email, each) for each in ("wrong", "worse", PASSWORD)]

    assert statuses == [200, 200, 302]
    assert events(account=person.account) == [
        (Kind.SIGN_IN_FAILED, person.pk, "", NETWORK, 2),
        (Kind.SIGN_IN, person.pk, "password", NETWORK, 1),
    ]


def test_sign_in_with_an_unknown_email_stores_no_email(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    _sign_in("nobody@elsewhere.example", "guess")

    assert events() == [(Kind.SIGN_IN_FAILED, None, "", NETWORK, 1)]
    assert "elsewhere" not in caplog.text


def test_token_is_recorded_when_created_used_elsewhere_and_revoked(
    admin: User, client: Client
) -> None:
    issued = tokens.issue(admin, name="CRM")
    bearer = {"Authorization": f"Bearer {issued.text}"}
    for remote in ("203.0.113.77", "203.0.113.78", "198.51.100.1", "203.0.113.77"):
        client.get("/api/v4/account", headers=bearer, REMOTE_ADDR=remote)
    tokens.revoke([issued.row])

    recorded = [(kind, network) for kind, _, _, network, _ in events()]
    assert recorded == [
        (Kind.TOKEN_ISSUED, ""),
        (Kind.TOKEN_NEW_NETWORK, NETWORK),
        (Kind.TOKEN_NEW_NETWORK, "198.51.100.0"),
        (Kind.TOKEN_REVOKED, ""),
    ]
    assert {user for _, user, _, _, _ in events()} == {admin.pk}
    assert ApiToken.objects.get().networks == ["198.51.100.0", NETWORK]


def test_networks_of_a_token_are_limited(admin: User, client: Client) -> None:
    bearer = {"Authorization": f"Bearer {factories.token(admin)}"}
    for number in range(tokens.MAX_NETWORKS + 5):
        remote = f"203.0.{number}.1"
        client.get("/api/v4/account", headers=bearer, REMOTE_ADDR=remote)

    assert len(ApiToken.objects.get().networks) == tokens.MAX_NETWORKS


def test_denied_requests_are_recorded(
    manager: User, sign_in: SignIn, client: Client
) -> None:
    bearer = {"Authorization": f"Bearer {factories.token(manager, scopes=[])}"}

    api = client.get("/api/v4/contacts", headers=bearer)
    page = sign_in(manager).get("/admin/statistics/days.csv")

    assert (api.status_code, page.status_code) == (403, 403)
    denied = events(kind=Kind.ACCESS_DENIED)
    assert [(user, detail) for _, user, detail, _, _ in denied] == [
        (manager.pk, "GET api/v4/contacts"),
        (manager.pk, "GET admin/statistics/<str:name>"),
    ]


def test_export_is_recorded(admin: User, sign_in: SignIn) -> None:
    response = sign_in(admin).get("/admin/statistics/days.csv")

    assert response.status_code == 200
    exported = events(kind=Kind.EXPORT)
    assert [row[:3] for row in exported] == [(Kind.EXPORT, admin.pk, "days.csv")]


def test_events_are_readable_by_administrators_of_the_account(
    admin: User, manager: User, sign_in: SignIn
) -> None:
    other = factories.admin(factories.account())
    for user in (admin, other):
        security_events.record(Kind.EXPORT, user=user, detail=f"of-{user.pk}.csv")
    mine, theirs = SecurityEvent.objects.order_by("pk")

    page = sign_in(admin).get(listing(SecurityEvent)).content.decode()
    statuses = [
        sign_in(admin).get(address(mine, "change")).status_code,
        sign_in(admin).get(address(theirs, "change")).status_code,
        sign_in(admin).post(address(mine, "change"), {"count": 7}).status_code,
        sign_in(admin).get(address(mine, "delete")).status_code,
    ]
    managers_page = sign_in(manager).get(listing(SecurityEvent)).content.decode()

    assert mine.detail in page
    assert theirs.detail not in page
    assert statuses[0] == 200
    assert statuses[1] in {302, 404}
    assert set(statuses[2:]) == {403}
    assert mine.detail not in managers_page


def test_network_is_masked_as_the_account_requires(db: None) -> None:
    user = factories.admin(factories.account(address_mask="none"))

    with security_events.client(bytes([203, 0, 113, 77])):
        security_events.record(Kind.EXPORT, user=user)

    assert events()[0][3] == ""


def test_events_are_exported_for_the_account_only(
    admin: User, sign_in: SignIn, foreign: World
) -> None:
    security_events.record(Kind.EXPORT, user=admin, detail="=1+1")
    security_events.record(Kind.EXPORT, user=foreign.user, detail="secret.csv")
    browser = sign_in(admin)

    page = browser.get(listing(SecurityEvent)).content.decode()
    response = browser.get("/admin/statistics/security_events.csv?days=90")

    text = response.content.decode("utf-8-sig")
    assert "security_events.csv" in page
    assert "'=1+1" in text
    assert admin.email in text
    assert "secret.csv" not in text
    times = [line[0] for line in csv.reader(text.splitlines())][1:]
    assert times
    assert all(datetime.fromisoformat(time).tzinfo for time in times)
