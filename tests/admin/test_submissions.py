"""A form that is sent twice creates once, and shows the first result again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib import admin as django_admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.test import Client, RequestFactory
from django.utils import timezone

from shortlinks.models import (
    Account,
    ApiToken,
    Contact,
    FormSubmission,
    Group,
    Import,
    Integration,
    User,
    Webhook,
)
from tests import factories
from tests.admin import html_forms, shown_messages
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import listing
from tests.admin.html_forms import Fields
from tests.admin.test_contact_imports import PATH as IMPORT

FIRST_ACCOUNT = "/admin/onboarding/account/"
FIRST_LINK = "/admin/onboarding/link/"


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


def _form(client: Client, path: str) -> Fields:
    return html_forms.parse(client.get(path), having="form_token")


def _addable(user: User, rf: RequestFactory) -> Iterator[type[models.Model]]:
    request = rf.get("/")
    request.user = user
    for model, pages in django_admin.site._registry.items():
        if pages.has_add_permission(request):
            yield model


def test_every_creating_form_has_a_token(
    client: Client, admin: User, rf: RequestFactory
) -> None:
    assert admin.account
    factories.contact(admin.account)
    added = [listing(model, "add") for model in _addable(admin, rf)]
    paths = [*added, IMPORT, "/admin/import-users/", FIRST_LINK]

    tokens = [_form(client, path)["form_token"][0] for path in paths]

    assert len(added) >= 7
    assert len(set(tokens)) == len(paths)
    assert min(map(len, tokens)) >= 20


def test_contact_is_created_once(client: Client, account: Account) -> None:
    sent = _form(client, listing(Contact, "add")) | {"name": ["Twice"]}

    first, second = (client.post(listing(Contact, "add"), sent) for _ in range(2))

    assert Contact.objects.filter(name="Twice").count() == 1
    assert (second.status_code, second["Location"]) == (302, first["Location"])
    assert shown_messages.waiting(second) == shown_messages.waiting(first)


def test_form_that_is_sent_again_with_other_entries_says_so(
    client: Client, account: Account
) -> None:
    path = listing(Contact, "add")
    form = _form(client, path)

    first = client.post(path, form | {"name": ["First"]})
    shown_messages.forget(client)
    second = client.post(path, form | {"name": ["Second"]})

    assert list(Contact.objects.values_list("name", flat=True)) == ["First"]
    assert second["Location"] == first["Location"]
    [message] = shown_messages.waiting(second)
    assert "other entries" in message


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (ApiToken, {"name": ["CRM"]}),
        (Integration, {"name": ["CRM"], "redirect_uri": ["https://crm.example/"]}),
        (
            Webhook,
            {"destination": ["https://crm.example/"], "settings": ["note_contact"]},
        ),
    ],
    ids=["token", "integration", "webhook"],
)
def test_repeated_form_shows_the_secret_of_the_first(
    client: Client, admin: User, model: type[models.Model], values: Fields
) -> None:
    path = listing(model, "add")
    sent = _form(client, path) | values
    sent |= {"user": [str(admin.pk)]} if model is ApiToken else {}

    first, second = _post(client, path, sent), _post(client, path, sent)

    assert model._default_manager.count() == 1
    assert any("Copy the" in text for text in first)
    assert second == first


def _post(client: Client, path: str, sent: Fields) -> list[str]:
    """Return the messages, as a browser that ignores the other answer gets them."""
    shown_messages.forget(client)
    return shown_messages.waiting(client.post(path, sent))


def test_secret_is_not_shown_again_later(client: Client, admin: User) -> None:
    path = listing(ApiToken, "add")
    sent = _form(client, path) | {"name": ["CRM"], "user": [str(admin.pk)]}
    _post(client, path, sent)
    hour_ago = timezone.now() - timedelta(hours=1)
    FormSubmission.objects.update(created_at=hour_ago)

    second = _post(client, path, sent)

    assert ApiToken.objects.count() == 1
    assert second == ["This form has already been sent. It was not sent again."]


def test_stored_response_is_unreadable_without_the_token(
    client: Client, admin: User
) -> None:
    path = listing(ApiToken, "add")
    sent = _form(client, path) | {"name": ["CRM"], "user": [str(admin.pk)]}
    [text] = [text for text in _post(client, path, sent) if "Copy the" in text]

    row = FormSubmission.objects.get()

    assert text.split()[-1].encode() not in bytes(row.response)
    assert sent["form_token"][0].encode() not in bytes(row.token_sha256)


def test_form_with_errors_can_be_sent_again(client: Client, account: Account) -> None:
    path = listing(Group, "add")
    sent = _form(client, path)
    page = client.post(path, sent | {"name": [""]})

    client.post(path, html_forms.parse(page, having="form_token") | {"name": ["New"]})

    assert Group.objects.filter(name="New").count() == 1


def test_token_of_another_user_repeats_nothing(
    client: Client, sign_in: SignIn, account: Account
) -> None:
    sent = _form(client, listing(Group, "add")) | {"name": ["One"]}
    client.post(listing(Group, "add"), sent)

    other = sign_in(factories.admin(account))
    other.post(listing(Group, "add"), sent | {"name": ["Other"]})

    assert set(Group.objects.values_list("name", flat=True)) >= {"One", "Other"}


def test_popup_is_created_once(client: Client, account: Account) -> None:
    sent = _form(client, listing(Group, "add") + "?_popup=1") | {"name": ["Twice"]}

    pages = [client.post(listing(Group, "add"), sent).content for _ in range(2)]

    assert Group.objects.filter(name="Twice").count() == 1
    assert pages[0] == pages[1]


def test_file_is_imported_once(client: Client) -> None:
    sent = _form(client, IMPORT)
    content = b"name\nAnna\n"

    answers = [
        client.post(IMPORT, sent | {"file": SimpleUploadedFile("a.csv", content)})
        for _ in range(2)
    ]

    assert Import.objects.count() == 1
    assert answers[0]["Location"] == answers[1]["Location"]


def test_first_account_is_created_once(operator: User, sign_in: SignIn) -> None:
    client = sign_in(operator)
    given = {"name": ["Bakery"], "subdomain": ["bakery"], "time_zone": ["UTC"]}
    sent = _form(client, FIRST_ACCOUNT) | given

    statuses = [client.post(FIRST_ACCOUNT, sent).status_code for _ in range(2)]

    assert statuses == [302, 302]
    assert Account.objects.count() == 1


def test_simultaneous_requests_create_once(
    transactional_db: None, sign_in: SignIn
) -> None:
    client = sign_in(factories.admin(factories.account()))
    sent = _form(client, listing(Contact, "add")) | {"name": ["Twice"]}

    def post(_number: int) -> int:
        try:
            return client.post(listing(Contact, "add"), sent).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(post, range(4)))

    assert statuses == [302] * 4
    assert Contact.objects.filter(name="Twice").count() == 1
