"""The query for visible contacts: compiled once, with all values as parameters."""

from collections.abc import Iterator

import pytest
from django.db.models import Q

from shortlinks.domain.auth import permissions
from shortlinks.domain.postgres import subqueries
from shortlinks.models import Account, User, contacts
from tests import factories

NAME = "O'Brien 100% %s"


@pytest.fixture
def visible_by_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(contacts, "_may_view", lambda user: Q(name=NAME))
    permissions._compile.cache_clear()
    yield
    permissions._compile.cache_clear()


@pytest.mark.usefixtures("visible_by_name")
def test_permission_query_quotes_conditions_with_texts(
    account: Account, admin: User
) -> None:
    named = factories.contact(account, name=NAME)
    other = factories.contact(account, name="another")

    visible = permissions.visible_roots([named.entity_id, other.entity_id], admin)

    assert visible == {named.entity_id: named.id}


def test_placeholders_are_named_in_order_and_percent_signs_stay() -> None:
    sql = subqueries.name_placeholders(
        "a = %s AND b LIKE 'x%%s' AND c = %s", ["x", "y"]
    )

    assert sql == "a = %(x)s AND b LIKE 'x%%s' AND c = %(y)s"
