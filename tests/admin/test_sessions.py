"""Sessions end by time, by choice, with a new password, and with the user."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from shortlinks.admin.sign_in import session_limits
from shortlinks.domain.auth import sessions, tokens
from shortlinks.models import Account, ApiToken, User
from tests.admin import html_forms
from tests.admin.conftest import SignIn, age
from tests.admin.fixtures_full_account import address, listing

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "violet anchor pelican"
FACTORS = "/admin/account/second-factor/"


def test_session_ends_days_after_the_sign_in(
    settings: Settings, browser: Client
) -> None:
    age(browser, **{session_limits.SIGNED_IN_AT: settings.SESSION_MAX_AGE + 60})

    assert "/admin/login/" in browser.get("/admin/").headers["Location"]


def test_session_goes_on_while_it_is_used(settings: Settings, browser: Client) -> None:
    browser.get("/admin/")
    age(browser, **{session_limits.SEEN_AT: 3600})
    before = UserSession.objects.get().last_seen_at

    browser.get("/admin/")

    assert UserSession.objects.get().last_seen_at > before
    assert browser.session.get_expiry_age() == settings.SESSION_COOKIE_AGE


def test_session_ends_hours_after_the_last_request(
    settings: Settings, browser: Client
) -> None:
    browser.get("/admin/")
    limit = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    session = Session.objects.filter(pk=browser.session.session_key)

    session.update(expire_date=F("expire_date") - limit + timedelta(seconds=60))
    assert browser.get("/admin/").status_code == 200
    session.update(expire_date=F("expire_date") - timedelta(seconds=61))

    assert "/admin/login/" in browser.get("/admin/").headers["Location"]


def _activate(browser: Client, row: User | Account, *, is_active: bool) -> None:
    page = browser.get(address(row, "change"))
    sent = html_forms.parse(page, having="initial-")
    sent.pop("is_active", None)
    browser.post(
        address(row, "change"), sent | ({"is_active": ["on"]} if is_active else {})
    )
    row.refresh_from_db()
    assert row.is_active == is_active


@pytest.mark.parametrize("by", ["user", "account"])
def test_sessions_end_for_good_when_a_user_or_account_is_deactivated(
    operator: User, manager: User, sign_in: SignIn, by: str
) -> None:
    other, browser = sign_in(manager), sign_in(operator)
    other.get("/admin/")
    assert manager.account
    row = manager if by == "user" else manager.account

    _activate(browser, row, is_active=False)
    ended = other.get("/admin/")
    _activate(browser, row, is_active=True)

    assert "/admin/login/" in ended.headers["Location"]
    assert "/admin/login/" in other.get("/admin/").headers["Location"]


def test_browser_forgets_its_pages_with_the_session(browser: Client) -> None:
    shown = browser.get("/admin/")
    ended = browser.post("/admin/logout/")

    assert "Clear-Site-Data" not in shown.headers
    assert ended.headers["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in browser.get("/admin/login/").headers


def test_new_password_ends_the_other_sessions(admin: User, sign_in: SignIn) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    browser, other = sign_in(admin), sign_in(admin)
    path = "/admin/account/password/"
    sent = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}

    browser.post(path, {"oldpassword": "wrong", **sent})
    assert other.get("/admin/").status_code == 200
    browser.post(path, {"oldpassword": PASSWORD, **sent})

    assert "/admin/login/" in other.get("/admin/").headers["Location"]
    assert browser.get("/admin/").status_code == 200


def test_sign_in_again_renews_the_key_of_the_session(
    admin: User, sign_in: SignIn
) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    browser = sign_in(admin)
    browser.get("/admin/")
    before = browser.session.session_key

    browser.post("/admin/account/again/", {"password": PASSWORD})

    assert browser.get("/admin/").status_code == 200
    assert browser.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()
    assert UserSession.objects.get().session_key == browser.session.session_key


def test_pages_of_factors_lead_to_the_list_of_sessions(browser: Client) -> None:
    assert 'href="/admin/account/sessions/"' in browser.get(FACTORS).content.decode()


def test_other_sessions_are_listed_and_ended(
    browser: Client, admin: User, sign_in: SignIn
) -> None:
    other = sign_in(admin)
    for each in (browser, other):
        each.get("/admin/")

    page = browser.get("/admin/account/sessions/").content.decode()
    browser.post("/admin/account/sessions/", {"session": "others"})

    assert page.count("<tr>") == 3  # with the head
    assert "/admin/login/" in other.get("/admin/").headers["Location"]
    assert browser.get("/admin/").status_code == 200


def test_session_of_another_user_cannot_be_ended(
    browser: Client, manager: User, sign_in: SignIn
) -> None:
    other = sign_in(manager)
    other.get("/admin/")
    session = UserSession.objects.get(user=manager)

    browser.post("/admin/account/sessions/", {"session": session.pk})

    assert other.get("/admin/").status_code == 200


def test_administrator_ends_all_sessions_of_a_user(
    browser: Client, manager: User, sign_in: SignIn
) -> None:
    other = sign_in(manager)
    other.get("/admin/")

    browser.post(
        listing(User), {"action": "end_sessions", "_selected_action": manager.pk}
    )

    assert "/admin/login/" in other.get("/admin/").headers["Location"]


def test_ended_sessions_leave_the_list(browser: Client) -> None:
    browser.get("/admin/")
    browser.session.delete()

    sessions.purge()

    assert not UserSession.objects.exists()


def test_only_own_tokens_are_listed_and_revoked(
    browser: Client, admin: User, manager: User
) -> None:
    own = tokens.issue(admin, name="My CRM").row
    other = tokens.issue(manager, name="Other CRM").row

    page = browser.get("/admin/account/sessions/").content.decode()
    for row in (own, other):
        browser.post("/admin/account/sessions/token/", {"token": row.pk})

    assert ("My CRM" in page, "Other CRM" in page) == (True, False)
    revoked = ApiToken.objects.exclude(revoked_at=None)
    assert [row.pk for row in revoked] == [own.pk]
