"""Entries survive the end of a session and a sign-in in another tab."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shortlinks.models import Contact, Group, Import, User
from tests.admin import html_forms
from tests.admin.fixtures_full_account import listing
from tests.admin.html_forms import Fields
from tests.admin.test_contact_imports import PATH as IMPORT

PASSWORD = "correct horse battery staple"
LOGIN = "/admin/login/"
# Cookies after a sign-in in another tab, and after the end of the session.
LOST = {"replaced": ("csrftoken", "b" * 32), "ended": ("sessionid", "expired")}


@pytest.fixture
def browser(admin: User) -> Client:
    admin.set_password(PASSWORD)
    admin.save()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    return client


def _form(browser: Client, path: str) -> Fields:
    return html_forms.parse(browser.get(path), having="form_token")


def _sign_in(browser: Client, page: Any, user: User, password: str = PASSWORD) -> Any:
    sent = html_forms.parse(page, having="username")
    kept = [page.context["kept"]]
    credentials = {"username": [user.email], "password": [password]}
    posted = sent | credentials | {"kept": kept}
    return browser.post(page.context["app_path"], posted, follow=True)


def _continue(browser: Client, page: Any, path: str) -> Any:
    return browser.post(path, html_forms.parse(page, having="form_token"))


def test_entries_are_sent_after_the_next_sign_in(browser: Client, admin: User) -> None:
    path = listing(Contact, "add")
    sent = _form(browser, path) | {"name": ['Anna "<b>']}
    browser.cookies.pop("sessionid")

    ended: Any = browser.post(path, sent)
    page = _sign_in(browser, ended, admin)
    response = _continue(browser, page, path)

    assert ended.status_code == 403
    assert "Your session has ended" in ended.content.decode()
    assert "data-continue" in page.content.decode()
    assert response.status_code == 302
    assert Contact.objects.get().name == 'Anna "<b>'


def test_entries_survive_a_wrong_password(browser: Client, admin: User) -> None:
    path = listing(Contact, "add")
    sent = _form(browser, path) | {"name": ["Anna"]}
    browser.cookies.pop("sessionid")

    wrong = _sign_in(browser, browser.post(path, sent), admin, "wrong")
    page = _sign_in(browser, wrong, admin)
    _continue(browser, page, path)

    assert Contact.objects.get().name == "Anna"


def test_sign_in_in_another_tab_needs_one_click(browser: Client, admin: User) -> None:
    path = listing(Group, "add")
    sent = _form(browser, path) | {"name": ["Sales"]}
    browser.force_login(admin)
    browser.cookies["csrftoken"] = "b" * 32

    page = browser.post(path, sent)
    response = _continue(browser, page, path)

    assert page.status_code == 403
    assert "DEBUG" not in page.content.decode()
    assert response.status_code == 302
    assert Group.objects.filter(name="Sales").exists()


@pytest.mark.parametrize("session", LOST)
def test_upload_names_the_file_to_choose_again(
    browser: Client, admin: User, session: str
) -> None:
    sent = _form(browser, IMPORT) | {"file": _file()}
    name, value = LOST[session]
    browser.cookies[name] = value

    page = browser.post(IMPORT, sent)
    page = page if session == "replaced" else _sign_in(browser, page, admin)
    again = html_forms.parse(page, having="form_token") | {"file": _file()}
    response = browser.post(IMPORT, again)

    assert "“people.csv”" in page.content.decode()
    assert "data-continue" not in page.content.decode()
    assert response.status_code == 302
    assert Import.objects.count() == 1


def _file() -> Any:
    return SimpleUploadedFile("people.csv", b"name\nAnna\n")


def test_request_of_another_site_is_not_repeated(browser: Client, admin: User) -> None:
    path = listing(Group, "add")

    page = browser.post(
        path, {"name": "Forged"}, headers={"origin": "https://evil.example"}
    )

    assert page.status_code == 403
    assert "Forged" not in page.content.decode()
    assert "Nothing was changed" in page.content.decode()


def test_passwords_are_not_kept(browser: Client) -> None:
    path = listing(User, "add")
    sent = _form(browser, path) | {"password1": [PASSWORD], "code": [PASSWORD]}
    browser.cookies.pop("sessionid")

    page: Any = browser.post(path, sent | {"email": ["new@shop.example"]})

    assert PASSWORD not in page.content.decode()
    assert "new@shop.example" in page.context["kept"]


def test_second_sign_in_form_leads_to_the_dashboard(
    browser: Client, admin: User
) -> None:
    browser.cookies["csrftoken"] = "b" * 32

    response = browser.post(LOGIN, {"username": admin.email, "password": PASSWORD})

    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


def test_kept_path_of_another_site_is_ignored(browser: Client, admin: User) -> None:
    browser.cookies.pop("sessionid")
    token = html_forms.parse(browser.get(LOGIN), having="username")
    kept = '{"path": "https://evil.example/", "fields": [["a", "b"]]}'
    credentials = {"username": [admin.email], "password": [PASSWORD]}

    response = browser.post(LOGIN, token | credentials | {"kept": [kept]})

    assert response.status_code == 302
    assert "evil" not in response.headers["Location"]


def test_page_is_in_the_language_of_the_browser(browser: Client, admin: User) -> None:
    browser.cookies.pop("sessionid")
    token = html_forms.parse(browser.get(LOGIN), having="username")

    page = browser.post(
        listing(Contact, "add"), token, headers={"accept-language": "ru"}
    )

    assert "Сеанс завершён" in page.content.decode()


def test_deactivated_account_cannot_continue(browser: Client, admin: User) -> None:
    sent = _form(browser, listing(Group, "add")) | {"name": ["Sales"]}
    User.objects.filter(pk=admin.pk).update(is_active=False)

    page = browser.post(listing(Group, "add"), sent)

    assert page.status_code == 403
    assert not Group.objects.filter(name="Sales").exists()
