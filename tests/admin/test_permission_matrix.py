"""Matrix of access levels in the list of users."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from shortlinks.models import User
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import listing

LETTERS = {"view": "G", "edit": "M", "add": "D", "delete": "D", "export": "G"}


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _matrix(*users: User, **letters: str) -> dict[str, Any]:
    posted: dict[str, Any] = {
        "form-TOTAL_FORMS": len(users),
        "form-INITIAL_FORMS": len(users),
        "_save": "Save",
    }
    for number, user in enumerate(users):
        posted[f"form-{number}-id"] = user.pk
        for name, letter in (LETTERS | letters).items():
            posted[f"form-{number}-contacts_{name}"] = letter
    return posted


def test_body_cannot_ask_for_more_forms_than_a_page_has_rows(
    client: Client, admin: User
) -> None:
    posted = _matrix(admin) | {"form-TOTAL_FORMS": 100_000}

    page: Any = client.post(listing(User), posted)

    assert page.status_code == 200
    assert len(page.context["cl"].formset.forms) <= 200


def _by_email(*users: User) -> list[User]:
    return sorted(users, key=lambda user: user.email)


def _letters(user: User) -> dict[str, str]:
    user.refresh_from_db()
    return {name: getattr(user, f"contacts_{name}") for name in LETTERS}


def test_matrix_changes_access_levels(
    client: Client, admin: User, manager: User
) -> None:
    client.post(listing(User), _matrix(*_by_email(admin, manager)))

    assert _letters(manager) == LETTERS
    assert LogEntry.objects.filter(object_id=manager.pk).count() == 1


@pytest.mark.parametrize(
    "letters", [{"edit": "A"}, {"add": "M"}, {"export": "A"}], ids=str
)
def test_matrix_rejects_levels_above_their_limit(
    client: Client, admin: User, manager: User, letters: dict[str, str]
) -> None:
    before = _letters(manager)

    page: Any = client.post(
        listing(User), _matrix(*_by_email(admin, manager), **letters)
    )

    assert page.context["cl"].formset.errors
    assert _letters(manager) == before


def test_matrix_does_not_change_operators_for_an_administrator(
    client: Client, admin: User, manager: User
) -> None:
    User.objects.filter(pk=manager.pk).update(is_superuser=True)
    before = _letters(manager)

    response = client.post(listing(User), _matrix(*_by_email(admin, manager)))

    assert response.status_code == 403
    assert _letters(manager) == before
