"""Two people edit a row at once: nobody's change is lost without a word."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.db import models
from django.test import Client, RequestFactory
from django.utils import timezone

from shortlinks.admin.forms import AdminForm
from shortlinks.models import (
    Account,
    Contact,
    Group,
    ShortLink,
    TrackingConsent,
    User,
    Webhook,
)
from tests import factories
from tests.admin import html_forms
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing
from tests.admin.html_forms import Fields

REGISTERED = [
    pytest.param(model, id=model.__name__) for model in django_admin.site._registry
]
# Values within the constraints of the tables.
VALUES = {
    "language": "ru",
    "time_zone": "Asia/Omsk",
    "country": "DE",
    "currency": "EUR",
    "email": "new@people.example",
    "contacts_view": "M",
    "contacts_edit": "M",
    "contacts_add": "D",
    "contacts_delete": "M",
    "contacts_export": "M",
    "destination": "https://other.example/",
    "settings": ["merge_contact"],
}
EDITABLE = (Account, Contact, Group, ShortLink, User, Webhook)


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _opened(client: Client, row: models.Model) -> Fields:
    return html_forms.parse(client.get(address(row, "change")), having="initial-")


def _row(world: World, model: type[models.Model]) -> models.Model:
    return next(row for row in world.rows() if type(row) is model)


def _other(row: models.Model, name: str) -> Any:
    """Return another valid value of the column."""
    column: Any = row._meta.get_field(name)
    value = getattr(row, name)
    if isinstance(column, models.ForeignKey):
        return None if value else column.related_model._default_manager.first()
    if name in VALUES:
        return VALUES[name]
    if column.choices:
        return next(key for key, _label in column.choices if key != value)
    if isinstance(column, models.DateTimeField):
        return timezone.now().replace(microsecond=0) + timedelta(days=9)
    return _other_value(name, value)


def _other_value(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return ["192.0.2.1"]
    return "zz"


@pytest.mark.parametrize("model", REGISTERED)
def test_every_form_writes_only_what_was_changed(
    model: type[models.Model], rf: RequestFactory, admin: User
) -> None:
    request = rf.get("/")
    request.user = admin
    pages = django_admin.site.get_model_admin(model)
    named = [getattr(pages, name, AdminForm) for name in ("form", "add_form")]
    listed = [pages.get_changelist_form(request)] if pages.list_editable else []

    assert [each for each in [*named, *listed] if not issubclass(each, AdminForm)] == []


@pytest.mark.parametrize("model", EDITABLE, ids=lambda model: model.__name__)
def test_saving_an_old_page_keeps_what_others_changed(
    client: Client, own: World, model: type[models.Model]
) -> None:
    row = _row(own, model)
    posted = _opened(client, row)
    fields: list[str] = [
        name.removeprefix("initial-")
        for name in posted
        if name.startswith("initial-") and not name.endswith("_1")
    ]
    stored = {field.name for field in model._meta.concrete_fields}
    columns = [
        name for name in (f.removesuffix("_0") for f in fields) if name in stored
    ]
    changed = {name: _other(row, name) for name in columns}
    model._default_manager.filter(pk=row.pk).update(**changed)

    response = client.post(address(row, "change"), posted)

    assert columns
    assert response.status_code == 302
    row.refresh_from_db()
    assert {name: getattr(row, name) for name in columns} == changed


def test_only_known_models_can_be_edited(client: Client, own: World) -> None:
    editable = {
        type(row) for row in own.rows() if b"_save" in client.get(_page(row)).content
    }

    assert editable == set(EDITABLE)


def _page(row: models.Model) -> str:
    return address(row, "change")


def test_changes_of_different_fields_are_both_kept(client: Client, own: World) -> None:
    posted = _opened(client, own.contact)
    Contact.objects.filter(pk=own.contact.pk).update(
        tracking_consent=TrackingConsent.DENIED, is_deleted=True
    )

    client.post(_page(own.contact), posted | {"name": ["Renamed"]})

    own.contact.refresh_from_db()
    assert own.contact.name == "Renamed"
    assert own.contact.tracking_consent == TrackingConsent.DENIED
    assert own.contact.is_deleted


def test_change_of_the_same_field_is_reported_and_both_values_are_shown(
    client: Client, own: World
) -> None:
    posted = _opened(client, own.contact) | {"name": ["Mine"]}
    Contact.objects.filter(pk=own.contact.pk).update(name="Theirs", first_name="Ann")

    page: Any = client.post(_page(own.contact), posted)

    form = page.context["adminform"].form
    own.contact.refresh_from_db()
    assert own.contact.name == "Theirs"
    assert "“Theirs”" in form.errors["name"][0]
    assert (form["name"].value(), form["first_name"].value()) == ("Mine", "Ann")


def test_second_save_replaces_the_other_value(client: Client, own: World) -> None:
    posted = _opened(client, own.contact) | {"name": ["Mine"]}
    Contact.objects.filter(pk=own.contact.pk).update(name="Theirs")
    told = client.post(_page(own.contact), posted)

    client.post(_page(own.contact), html_forms.parse(told, having="initial-"))

    own.contact.refresh_from_db()
    assert own.contact.name == "Mine"


def test_same_change_by_two_people_is_no_conflict(client: Client, own: World) -> None:
    posted = _opened(client, own.contact) | {"name": ["Both"]}
    Contact.objects.filter(pk=own.contact.pk).update(name="Both")

    assert client.post(_page(own.contact), posted).status_code == 302


def test_matrix_does_not_give_a_revoked_right_back(
    client: Client, account: Account
) -> None:
    one = factories.user(account, contacts_edit="D", contacts_export="A")
    other = factories.user(account, contacts_edit="D")
    posted = html_forms.parse(client.get(listing(User)), having="form-TOTAL_FORMS")
    User.objects.filter(pk=one.pk).update(contacts_view="D", contacts_export="D")
    row = _line(posted, other)

    client.post(listing(User), posted | {f"{row}-contacts_view": ["M"], "_save": ["1"]})

    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.contacts_view, one.contacts_export) == ("D", "D")
    assert other.contacts_view == "M"


def test_matrix_reports_a_right_that_both_changed(
    client: Client, account: Account
) -> None:
    one = factories.user(account, contacts_edit="D")
    posted = html_forms.parse(client.get(listing(User)), having="form-TOTAL_FORMS")
    User.objects.filter(pk=one.pk).update(contacts_view="D")
    row = _line(posted, one)

    page: Any = client.post(
        listing(User), posted | {f"{row}-contacts_view": ["M"], "_save": ["1"]}
    )

    one.refresh_from_db()
    assert one.contacts_view == "D"
    assert "someone else changed this" in page.content.decode()


def _line(posted: Fields, user: User) -> str:
    name = next(name for name, value in posted.items() if value == [str(user.pk)])
    return name.removesuffix("-id")
