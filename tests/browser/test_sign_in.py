"""A new administrator goes through all pages of the sign-in, in both languages."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.mail import EmailMessage
from playwright.sync_api import Browser, BrowserContext, expect

from shortlinks.domain.auth import invitations
from shortlinks.models import SecurityEvent, User
from tests import factories, services
from tests.browser.conftest import TIMEOUT_MS, USER_AGENT
from tests.browser.page_checks import PageChecker

PASSWORD = "violet anchor pelican"
ANOTHER = "copper lantern walrus"
LINK = re.compile(r"https?://[^/\s]+(/admin/account/password/link/\S+)")
PERIOD = 30  # seconds of a code
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Site:
    """The admin on localhost, since browsers have no passkeys for an IP address."""

    origin: str
    mails: Path

    def mailed_path(self) -> str:
        newest = max(self.mails.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        found = LINK.findall(newest.read_text().replace("=\n", ""))
        assert found, newest.read_text()
        return str(found[-1])


@pytest.fixture
def site(transactional_db: None, tmp_path: Path) -> Iterator[Site]:
    mails = tmp_path / "mails"
    mails.mkdir()
    settings = {
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "EMAIL_URL": f"file://{mails}",
        "REQUIRE_SECOND_FACTOR": "administrators",
    }
    with services.web(tmp_path, **settings) as web:
        yield Site(f"http://localhost:{httpx.URL(web.base_url).port}", mails)


class Walk:
    """A browser on the pages of the sign-in."""

    def __init__(self, context: BrowserContext, site: Site, language: str) -> None:
        self.page = context.new_page()
        self.checker = PageChecker(self.page, f"{site.origin}/admin/", language)
        self.look = self.checker.examine
        self._site = site
        self._secret = ""
        self._last_counter = 0

    def open(self, path: str) -> None:
        self.page.goto(f"{self._site.origin}{path}")

    def fill(self, **values: str) -> None:
        for name, value in values.items():
            self.page.fill(f"[name={name}]:visible", value)

    def press(self, selector: str) -> None:
        self.page.locator(selector).first.click()

    def is_at(self, path: str) -> None:
        self.page.wait_for_url(lambda url: urlsplit(url).path == path)

    def set_password(self, path: str, password: str) -> None:
        self.open(path)
        self.fill(password1=password, password2=password)
        self.press("form [type=submit]:visible")

    def enter(self, email: str, password: str) -> None:
        self.open("/admin/login/")
        self.fill(username=email, password=password)
        self.press("#login-form [type=submit]")

    def leave(self) -> None:
        self.open("/admin/account/logout/")
        self.press("main form [type=submit]:visible, form [type=submit]:visible")
        self.is_at("/admin/login/")

    def add_app(self) -> None:
        self.open("/admin/account/second-factor/totp/activate/")
        self._secret = self.page.input_value("#authenticator_secret")
        self.look("authenticator-app")
        self.enter_code(self.code())

    def enter_code(self, code: str) -> None:
        self.fill(code=code)
        self.press("form:has([name=code]) [type=submit]")

    def code(self) -> str:
        """Return a code that was not used yet."""
        while (counter := int(time.time()) // PERIOD) <= self._last_counter:
            time.sleep(0.2)
        self._last_counter = counter
        return str(format_hotp_value(hotp_value(self._secret, counter)))

    def recovery_code(self) -> str:
        codes = self.page.input_value("#recovery_codes").split()
        self.page.check("#codes_saved")
        return codes[0]


@pytest.fixture(params=["en", "ru"])
def invited(request: pytest.FixtureRequest, site: Site) -> User:
    account = factories.account()
    email = "anna@shop.example"
    user = factories.admin(account, email=email, language=request.param)
    user.set_unusable_password()
    user.save()
    invitations.send(user, by=factories.admin(account, email="boss@shop.example"))
    return user


@pytest.fixture
def walk(browser: Browser, site: Site, invited: User) -> Iterator[Walk]:
    with browser.new_context(user_agent=USER_AGENT, locale=invited.language) as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield Walk(context, site, invited.language)


def test_invitation_to_recovery_code(
    walk: Walk,
    site: Site,
    invited: User,
    browser: Browser,
    mailoutbox: list[EmailMessage],
) -> None:
    accept_invitation(walk, LINK.findall(str(mailoutbox[0].body))[0])
    add_app(walk)
    recovery_code = walk.recovery_code()
    add_passkey(walk)
    sign_in_by_passkey(walk)
    set_new_password(walk, site, invited)
    sign_in_without_code(walk, invited)
    with browser.new_context(user_agent=USER_AGENT, locale="ru-RU") as other:
        other.set_default_timeout(TIMEOUT_MS)
        elsewhere = Walk(other, site, invited.language)
        sign_in_by_recovery_code(elsewhere, invited, recovery_code)

    assert not walk.checker.problems, "\n".join(walk.checker.problems)
    recorded = set(SecurityEvent.objects.values_list("kind", flat=True))
    assert {"invited", "sign_in", "factor_added", "password_changed"} <= recorded


def accept_invitation(walk: Walk, path: str) -> None:
    walk.open(path)
    walk.look("invitation")
    walk.set_password(path, "anna2026")
    expect(walk.page.locator(".errors, .errornote").first).to_be_visible()
    walk.look("invitation-refused")
    walk.set_password(path, PASSWORD)
    walk.is_at("/admin/account/second-factor/")


def add_app(walk: Walk) -> None:
    walk.open("/admin/shortlinks/user/")
    walk.is_at("/admin/account/second-factor/")  # nothing else before there is one
    walk.look("second-factors-missing")
    walk.add_app()
    walk.page.wait_for_url("**/recovery-codes/**")
    walk.look("recovery-codes")


def add_passkey(walk: Walk) -> None:
    session = walk.page.context.new_cdp_session(walk.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    walk.open("/admin/account/second-factor/webauthn/add/")
    walk.page.check("[name=passwordless]")
    walk.press("#mfa_webauthn_add")
    walk.page.wait_for_url(lambda url: not url.endswith("/add/"))
    walk.open("/admin/account/second-factor/")
    walk.look("second-factors")


def sign_in_by_passkey(walk: Walk) -> None:
    walk.open("/admin/account/sessions/")
    expect(walk.page.locator("tbody tr")).to_have_count(1)
    walk.look("sessions")
    walk.leave()
    walk.press("#passkey_login")
    walk.is_at("/admin/")


def set_new_password(walk: Walk, site: Site, user: User) -> None:
    walk.leave()
    walk.look("sign-in")
    walk.open("/admin/account/password/forgotten/")
    walk.look("password-forgotten")
    walk.fill(email=user.email)
    walk.press("form [type=submit]:visible")
    walk.is_at("/admin/account/password/sent/")
    walk.look("password-sent")
    walk.set_password(site.mailed_path(), ANOTHER)
    walk.is_at("/admin/account/second-factor/authenticate/")
    walk.look("code")
    walk.enter_code(walk.code())
    walk.is_at("/admin/account/second-factor/trust/")
    walk.look("trust")
    walk.press("[name=action][value=trust]")
    walk.is_at("/admin/")


def sign_in_without_code(walk: Walk, user: User) -> None:
    walk.leave()
    walk.enter(user.email, ANOTHER)  # this browser is trusted
    walk.is_at("/admin/")


def sign_in_by_recovery_code(walk: Walk, user: User, code: str) -> None:
    walk.enter(user.email, ANOTHER)
    walk.is_at("/admin/account/second-factor/authenticate/")
    walk.enter_code(code)
    walk.press("[name=action][value=skip]")
    walk.is_at("/admin/")
    walk.open("/admin/account/sessions/")
    expect(walk.page.locator("tbody tr")).to_have_count(2)
