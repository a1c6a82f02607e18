"""Errors of the admin have pages of ours, in the user's language, with a way back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import translation

from shortlinks.api import problems
from shortlinks.domain.imports import spreadsheets
from shortlinks.models import User
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.test_contact_imports import PATH

TITLES = {
    400: ("The request was rejected", "Запрос отклонён"),
    403: ("You do not have permission", "Недостаточно прав"),
    404: ("This page does not exist", "Такой страницы нет"),
    500: ("Something went wrong", "Что-то пошло не так"),
}


def upload(client: Client, size: int = 10) -> Any:
    file = SimpleUploadedFile("contacts.csv", b"x" * size, "text/csv")
    return client.post(PATH, {"file": file})


def oversized(client: Client) -> Any:
    return upload(client, spreadsheets.MAX_FILE_BYTES + 100_000)


def unknown(client: Client) -> Any:
    return client.get("/admin/nothing/here/")


def check(response: Any, status: int, language: str) -> None:
    page = response.content.decode()
    assert response.status_code == status
    assert f'<html lang="{language}">' in page
    assert f"<h1>{TITLES[status][language == 'ru']}</h1>" in page
    assert 'href="/admin/"' in page


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("status", "request_page"), [(400, oversized), (404, unknown)])
def test_rejected_requests_of_an_administrator_get_a_page(
    admin: User,
    sign_in: SignIn,
    status: int,
    request_page: Callable[[Client], Any],
    language: str,
) -> None:
    User.objects.filter(pk=admin.pk).update(language=language)

    check(request_page(sign_in(User.objects.get(pk=admin.pk))), status, language)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_forbidden_upload_gets_a_page(db: None, sign_in: SignIn, language: str) -> None:
    manager = factories.user(factories.account(), language=language)

    check(upload(sign_in(manager)), 403, language)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_failed_page_needs_no_query(language: str) -> None:
    with translation.override(language):
        check(problems.server_error(RequestFactory().get("/admin/")), 500, language)
