"""Users come from a real provider of OpenID Connect, which is a process of its own."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, expect

from deploy.programs import Program, Rank
from shortlinks.models import Account, SecurityEvent, User
from tests import factories, services
from tests.browser.conftest import TIMEOUT_MS, USER_AGENT

CALLBACK = "/admin/account/oidc/company/login/callback/"
GROUPS = {
    "sales": {"contacts_view": "G", "contacts_edit": "M"},
    "chiefs": {"is_admin": True},
}
TEXTS = {
    "en": ("Sign in with Company", "None of your groups may use this service"),
    "ru": ("Войти через Company", "Ни одна из ваших групп"),
}


@dataclass
class Site:
    origin: str
    people: Path
    claims: dict[str, Any] = field(default_factory=dict)

    def describe(self, name: str, *groups: str, **claims: Any) -> None:
        """Change what the provider says about a person."""
        email = f"{name}@shop.example"
        self.claims[name] = {
            "email": email,
            "email_verified": True,
            "name": name.title(),
            "groups": groups,
            **claims,
        }
        self.people.write_text(json.dumps(self.claims))


@pytest.fixture
def own(transactional_db: None) -> Account:
    return factories.account(subdomain="shop", language="en")


@pytest.fixture
def site(own: Account, tmp_path: Path) -> Iterator[Site]:
    port = services.free_port()
    origin = f"http://127.0.0.1:{port}"
    company = {
        "id": "company",
        "name": "Company",
        "server_url": origin,
        "client_id": "shortlinks",
        "client_secret": "a secret of the client",
        "account": own.subdomain,
        "groups": GROUPS,
    }
    settings = {
        "OIDC_PROVIDERS": json.dumps([company]),
        "REQUIRE_SECOND_FACTOR": "administrators",
    }
    with services.web(tmp_path, **settings) as web:
        callback = str(web.base_url).rstrip("/") + CALLBACK
        provider = provider_process(port, callback, tmp_path)
        try:
            discovery = f"{origin}/.well-known/openid-configuration"
            services.wait_for(lambda: provider.has_logged("") and answers(discovery))
            yield Site(callback.removesuffix(CALLBACK), tmp_path / "people.json")
        finally:
            provider.stop()


def provider_process(port: int, callback: str, folder: Path) -> services.Process:
    module = (sys.executable, "-m", "tests.identity_provider")
    command = (*module, str(port), callback, str(folder))
    program = Program(name="provider", command=command, rank=Rank.WORKER)
    return services.Process(program, folder / "provider.log")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def walk(browser: Browser, site: Site, language: str) -> Iterator["Walk"]:
    with browser.new_context(user_agent=USER_AGENT, locale=language) as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield Walk(context.new_page(), site, *TEXTS[language])


@dataclass
class Walk:
    page: Page
    site: Site
    button: str
    refusal: str

    def enter(self, name: str) -> None:
        """Sign in, as nobody whom the provider has seen in this browser."""
        self.page.context.clear_cookies()
        self.page.goto(f"{self.site.origin}/admin/login/")
        self.page.get_by_role("button", name=self.button).click()
        self.page.fill("[name=name]", name)
        self.page.click("button")

    def is_at(self, path: str) -> None:
        self.page.wait_for_url(
            lambda url: url.startswith(self.site.origin) and urlsplit(url).path == path
        )


def test_rights_follow_the_groups_at_the_provider(walk: Walk, own: Account) -> None:
    walk.site.describe("anna", "sales", "others")
    with walk.page.expect_request("**/identity/o/authorize?*") as asked:
        walk.enter("anna")
    walk.is_at("/admin/")

    assert "code_challenge_method=S256" in asked.value.url
    assert rights("anna") == (own.pk, False, "G", "M", "D")

    walk.site.describe("anna", "chiefs")
    walk.enter("anna")
    walk.is_at("/admin/")  # although administrators need a second factor of ours

    assert rights("anna") == (own.pk, True, "D", "D", "D")
    changed = SecurityEvent.objects.filter(kind="rights_changed").order_by("id")
    assert list(changed.values_list("detail", flat=True)) == [
        "contacts_view, contacts_edit",
        "is_admin, contacts_view, contacts_edit",
    ]


def test_stranger_without_a_mapped_group_is_refused(walk: Walk) -> None:
    walk.site.describe("eve", "others")
    walk.enter("eve")

    expect(walk.page.get_by_role("alert")).to_contain_text(walk.refusal)
    assert not User.objects.filter(email="eve@shop.example").exists()
    refused = SecurityEvent.objects.get(kind="sign_in_failed")
    assert (refused.detail, refused.user) == ("company", None)


def test_provider_is_asked_again_before_rights_are_changed(walk: Walk) -> None:
    walk.site.describe("anna", "chiefs")
    walk.enter("anna")
    walk.is_at("/admin/")
    age_sessions()

    walk.page.goto(f"{walk.site.origin}/admin/shortlinks/user/add/")
    walk.is_at("/admin/account/oidc/company/login/")
    walk.page.locator("main [type=submit]").click()

    walk.is_at("/admin/shortlinks/user/add/")
    expect(walk.page.locator("[name=email]")).to_be_visible()


def age_sessions() -> None:
    """Let each sign-in be an hour ago."""
    for session in Session.objects.all():
        store = SessionStore(session.session_key)
        store["signed_in_at"] -= 3600
        for record in store["account_authentication_methods"]:
            record["at"] -= 3600
        store.save()


def rights(name: str) -> tuple[int | None, bool, str, str, str]:
    user = User.objects.get(email=f"{name}@shop.example")
    assert not user.has_usable_password()
    levels = (user.contacts_view, user.contacts_edit, user.contacts_add)
    return (user.account_id, user.is_admin, *levels)
