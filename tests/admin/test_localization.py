"""Pages use the user's language and the account's time zone."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.utils import timezone, translation
from django.utils.html import escape

from shortlinks.models import Account, ConnectedSite, Contact, Note, User, Visit
from tests import factories
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing


@pytest.fixture
def russian(account: Account) -> User:
    return factories.admin(account, language="ru")


def test_page_uses_the_language_of_the_user(
    sign_in: SignIn, russian: User, own: World
) -> None:
    client = sign_in(russian)

    response: Any = client.get(listing(Visit), headers={"Accept-Language": "en"})

    page = response.content.decode()
    assert '<html lang="ru"' in page
    assert response.headers["Content-Language"] == "ru"
    assert all(word in page for word in ("Визиты", "Вердикт", "Исходный адрес"))


@pytest.mark.parametrize(("said", "title"), [("ru", "Пароль"), ("de", "Password")])
def test_login_page_uses_the_language_of_the_browser(
    db: None, said: str, title: str
) -> None:
    page = Client().get("/admin/login/", headers={"Accept-Language": said})

    assert title in page.content.decode()


@pytest.mark.parametrize(
    ("language", "error"),
    [
        ("en", "Wrong e-mail or password."),
        ("ru", "Неверный e-mail или пароль."),
    ],
)
def test_login_page_rejects_a_wrong_password(
    manager: User, language: str, error: str
) -> None:
    posted = {"username": manager.email, "password": "wrong"}

    page = Client().post("/admin/login/", posted, headers={"Accept-Language": language})

    assert error in page.content.decode()


def test_unknown_language_falls_back_to_english(
    sign_in: SignIn, account: Account, own: World
) -> None:
    client = sign_in(factories.admin(account, language="xx"))

    assert "Contacts" in client.get(listing(Contact)).content.decode()


def test_api_stays_in_english(db: None) -> None:
    response: Any = Client().get(
        "/api/v4/account", headers={"Accept-Language": "ru-RU"}
    )

    assert (response.status_code, response.json()["title"]) == (401, "Unauthorized")


def test_times_use_the_time_zone_of_the_account(
    sign_in: SignIn, admin: User, own: World
) -> None:
    own.account.time_zone = "Asia/Vladivostok"
    own.account.save()
    Note.objects.update(created_at=datetime.fromisoformat("2026-03-01T20:15:00+00:00"))

    page = sign_in(admin).get(address(own.note, "change")).content.decode()

    assert "2\xa0Mar\xa02026, 06:15" in page


def test_errors_of_the_domain_are_translated(sign_in: SignIn, russian: User) -> None:
    posted = {"account": russian.account_id, "origin": "ftp://shop.example/"}

    page = sign_in(russian).post(listing(ConnectedSite, "add"), posted)

    assert "Введите веб-адрес" in page.content.decode()


def test_choices_and_help_texts_are_translated(
    sign_in: SignIn, russian: User, own: World
) -> None:
    page = sign_in(russian).get(address(own.account, "change")).content.decode()

    assert "только сеть (/24, /48)" in page
    assert "Открытия одной ссылки за столько секунд дают одно примечание." in page


@pytest.mark.parametrize(
    "model", admin.site._registry, ids=lambda model: model.__name__
)
def test_model_names_are_inserted_where_russian_needs_no_case(
    sign_in: SignIn, russian: User, own: World, model: type[Model]
) -> None:
    client = sign_in(russian)
    row = next(row for row in own.rows() if isinstance(row, model))
    with translation.override("ru"):
        name = str(model._meta.verbose_name)
    asked = f"[Уу]далить: {name} «{re.escape(escape(row))}»"

    change = client.get(address(row, "change")).content.decode()
    pages = [client.get(address(row, "delete")), client.get(listing(model, "add"))]

    said = "".join(page.content.decode() for page in pages if page.status_code == 200)
    assert re.findall(f"(?:Удалить|Добавить|Изменить) {name}", said + change) == []
    assert bool(re.search(asked, said)) is (pages[0].status_code == 200)


def test_own_open_uses_the_time_zone_of_the_account(
    sign_in: SignIn, russian: User, own: World
) -> None:
    own.account.time_zone = "Asia/Vladivostok"
    own.account.save()
    now = timezone.now()
    factories.visit(own.link, staff=f"user {russian.pk}", occurred_at=now)
    client = sign_in(russian)

    page = client.get(listing(Contact), headers={"Accept": "text/html"})

    local = now.astimezone(ZoneInfo("Asia/Vladivostok"))
    assert f"{local:%H:%M}" in page.content.decode()
