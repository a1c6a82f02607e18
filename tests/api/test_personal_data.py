"""Administrators export and erase persons over the API."""

import json
import time
from typing import Any

import pytest

from shortlinks.domain.personal_data import erasure
from shortlinks.models import Account, Contact, SecurityEvent, SecurityEventKind, User
from tests import factories
from tests.api.conftest import Connect
from tests.conftest import Api


@pytest.fixture
def administrator(admin: User, connect: Connect) -> Api:
    return connect(factories.token(admin, scopes=["personal_data", "contacts:write"]))


@pytest.fixture
def contact(account: Account) -> Contact:
    return factories.contact(account, name="Petra Zimmermann")


def path(contact: Contact) -> str:
    return f"/api/v4/contacts/{contact.entity_id}/personal_data"


def body(response: Any) -> Any:
    return json.loads(response.getvalue())


def test_export_is_streamed_and_recorded(
    administrator: Api, contact: Contact, admin: User
) -> None:
    response = administrator.get(path(contact))

    assert response.streaming
    assert body(response)["tables"]["contact"][0]["name"] == "Petra Zimmermann"
    events = SecurityEvent.objects.filter(kind=SecurityEventKind.EXPORT)
    assert [(e.user_id, e.detail) for e in events] == [(admin.pk, "person")]


def test_erasure_has_a_receipt(administrator: Api, contact: Contact) -> None:
    response = administrator.send("DELETE", path(contact))
    receipt = response.headers["Location"].partition("/api/")[2]

    assert response.status_code == 202
    assert body(administrator.get(f"/api/{receipt}"))["finished_at"] is None
    assert administrator.send("DELETE", path(contact)).status_code == 202
    erasure.run_due(time.monotonic() + 60)

    finished = body(administrator.get(f"/api/{receipt}"))
    assert finished["finished_at"]
    assert "Zimmermann" not in json.dumps(finished)
    assert administrator.get(path(contact)).status_code == 404
    assert administrator.send("DELETE", path(contact)).status_code == 404


def test_erased_id_is_an_error_of_the_item(
    administrator: Api, contact: Contact
) -> None:
    administrator.send("DELETE", path(contact))
    erasure.run_due(time.monotonic() + 60)

    response = administrator.post("/api/v4/contacts", [{"id": contact.entity_id}])

    [error] = body(response)["validation-errors"][0]["errors"]
    assert response.status_code == 400
    assert (error["code"], error["path"]) == ("Erased", "id")


def test_scope_is_needed(admin: User, connect: Connect, contact: Contact) -> None:
    api = connect(factories.token(admin, scopes=["contacts:write", "contacts:read"]))

    assert api.get(path(contact)).status_code == 403
    assert api.send("DELETE", path(contact)).status_code == 403
