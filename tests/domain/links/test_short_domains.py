"""Short domains, verified by a real name server on loopback."""

from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from shortlinks.domain.links import short_domains, urls
from shortlinks.domain.links.short_domains import InvalidDomain
from shortlinks.models import Account, ShortDomain
from tests import factories, name_servers
from tests.domain.links.short_domain_claims import (
    HOST,
    Texts,
    ask,
    is_verified,
    prove,
)

pytestmark = pytest.mark.usefixtures("name_server")


# --- verification ------------------------------------------------------------


def test_domain_is_verified_by_one_of_several_records(
    domain: ShortDomain, texts: Texts
) -> None:
    texts[domain.txt_name] = ["v=spf1 -all", "x" * 300, domain.txt_value]

    checked = short_domains.verify(domain)

    assert (checked.is_verified, checked.detail) == (True, "It is verified.")
    assert is_verified(domain)


@pytest.mark.parametrize(
    ("known", "detail"),
    [
        ({}, "DNS has no such name yet."),
        ({f"_shortlinks.{HOST}": []}, "The name has no TXT record yet."),
        (
            {f"_shortlinks.{HOST}": ["shortlinks-verification=" + "0" * 32]},
            "The TXT record has another value.",
        ),
    ],
    ids=["no name", "no record", "another value"],
)
def test_domain_is_not_verified_without_the_record(
    domain: ShortDomain, texts: Texts, known: Texts, detail: str
) -> None:
    texts |= known

    checked = short_domains.verify(domain)

    assert (checked.is_verified, checked.detail) == (False, detail)
    assert not is_verified(domain)


def test_verify_gives_up_on_a_name_server_that_never_responds(
    domain: ShortDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_domains, "DNS_TIMEOUT_SECONDS", 0.2)
    with name_servers.silent() as address:
        ask(monkeypatch, address)

        checked = short_domains.verify(domain)

    assert checked.detail == "The name servers do not respond. Try again later."
    assert not is_verified(domain)


def test_verify_reports_an_error_of_the_name_server(
    domain: ShortDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    with name_servers.broken() as address:
        ask(monkeypatch, address)

        checked = short_domains.verify(domain)

    assert checked.detail == "The name servers returned an error. Try again later."
    assert not is_verified(domain)


def test_verified_domain_stays_verified_while_its_record_is_missing(
    domain: ShortDomain, texts: Texts
) -> None:
    prove(texts, domain)
    short_domains.verify(domain)
    texts.clear()

    checked = short_domains.verify(domain)

    assert checked.detail == "DNS has no such name yet."
    assert is_verified(domain)
    assert ShortDomain.objects.lost().get() == domain


def test_second_account_cannot_verify_the_same_domain(
    domain: ShortDomain, texts: Texts
) -> None:
    other = ShortDomain.objects.create(account=factories.account(), host=HOST)
    prove(texts, domain, other)

    first, second = short_domains.verify(domain), short_domains.verify(other)

    assert first.is_verified
    assert second.detail == "Another account has verified this domain already."
    assert (is_verified(domain), is_verified(other)) == (True, False)


# --- hosts and cookies -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (" Go.Shop.Example. ", "go.shop.example"),
        ("shop.co.uk", "shop.co.uk"),
        ("someone.github.io", "someone.github.io"),
        ("иди.пример.рф", "xn--d1ahb.xn--e1afmkfd.xn--p1ai"),
        ("go.xn--e1afmkfd.xn--p1ai", "go.xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_host_is_normalized(text: str, host: str) -> None:
    assert short_domains.parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "com",
        "co.uk",
        "github.io",
        "рф",
        "localhost",
        "go.shop.local",
        "192.0.2.1",
        "0x7f.1",
        "[2001:db8::1]",
        "https://go.shop.example",
        "go.shop.example/path",
        "go.shop.example:8443",
        "somebody@go.shop.example",
        "*.shop.example",
        "go shop.example",
        "go.shop.example; Secure",
        "go\r\nSet-Cookie.shop.example",
        "go..shop.example",
        "-go.shop.example",
        f"{'a' * 64}.example",
        f"{'a.' * 120}example",
    ],
)
def test_host_is_rejected_if_not_public(text: str) -> None:
    with pytest.raises(InvalidDomain):
        short_domains.parse_host(text)


def test_hosts_of_the_service_are_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "EXTRA_SHORT_HOSTS", ["go.service.example"])
    urls.policy.cache_clear()
    try:
        with pytest.raises(InvalidDomain, match="belongs to this service"):
            short_domains.parse_host("GO.service.example.")
    finally:
        monkeypatch.undo()
        urls.policy.cache_clear()


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("", ""),
        ("shop.example", "shop.example"),
        (".Shop.Example", "shop.example"),
        ("go.shop.example", "go.shop.example"),
    ],
)
def test_cookie_domain_contains_the_host(text: str, domain: str) -> None:
    assert short_domains.parse_cookie_domain(text, "go.shop.example") == domain


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example", "go.shop.example"),
        ("co.uk", "go.shop.co.uk"),
        ("github.io", "someone.github.io"),
        ("other.example", "go.shop.example"),
        ("hop.example", "go.shop.example"),
        ("www.go.shop.example", "go.shop.example"),
        ("shop.example; Secure", "go.shop.example; Secure"),
    ],
)
def test_cookie_domain_is_rejected_beyond_the_site(text: str, host: str) -> None:
    with pytest.raises(InvalidDomain):
        short_domains.parse_cookie_domain(text, host)


# --- the command -------------------------------------------------------------


def checked(*arguments: str) -> str:
    output = StringIO()
    call_command("verify_short_domains", *arguments, stdout=output)
    return output.getvalue()


def test_command_checks_domains_without_a_proof(
    domain: ShortDomain, account: Account, texts: Texts
) -> None:
    ShortDomain.objects.create(account=account, host="s.shop.example")
    prove(texts, domain)

    said = [checked(), checked()]

    name = account.subdomain
    waits = f"s.shop.example ({name}): DNS has no such name yet.\n"
    assert said == [
        f"{HOST} ({name}): It is verified.\n{waits}2 short domains checked.\n",
        f"{waits}1 short domains checked.\n",
    ]
    assert is_verified(domain)


def test_command_checks_one_host(domain: ShortDomain, account: Account) -> None:
    ShortDomain.objects.create(account=account, host="s.shop.example")

    assert checked("GO.shop.example") == (
        f"{HOST} ({account.subdomain}): DNS has no such name yet.\n"
        "1 short domains checked.\n"
    )


def test_command_fails_for_an_unknown_host(account: Account) -> None:
    with pytest.raises(CommandError, match="No account has"):
        checked("other.example")
