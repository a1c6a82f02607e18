"""Admin pages for connected sites and short domains."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils.html import escape

from shortlinks.models import Account, ConnectedSite, ShortDomain, User
from tests import name_servers
from tests.admin.conftest import SignIn
from tests.admin.fixtures_full_account import World, address, listing

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    return sign_in(admin)


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """TXT records of the fake name server, by name."""
    known: dict[str, list[str]] = {}
    with name_servers.answering(known) as server:
        monkeypatch.setattr(settings, "DNS_NAMESERVERS", (server,))
        yield known


def add(client: Client, model: type[ConnectedSite | ShortDomain], **fields: Any) -> Any:
    return client.post(listing(model, "add"), fields, follow=True)


def act(client: Client, action: str, *rows: ShortDomain) -> str:
    posted = {"action": action, "_selected_action": [row.pk for row in rows]}
    response: Any = client.post(listing(ShortDomain), posted, follow=True)
    return str(response.content.decode())


def errors(response: Any) -> Any:
    return response.context["adminform"].form.errors


# --- connected sites ---------------------------------------------------------


def test_site_is_added_by_the_address_of_a_page(
    client: Client, account: Account
) -> None:
    page = "https://Shop.Example/sale?utm=1"

    add(client, ConnectedSite, account=account.pk, origin=page)

    site = ConnectedSite.objects.get()
    assert (site.account, site.origin) == (account, "https://shop.example")
    assert LogEntry.objects.filter(object_id=site.pk).count() == 1


def test_site_page_shows_the_script(client: Client, own: World) -> None:
    page = client.get(address(own.site, "change")).content.decode()

    script = Path(settings.BASE_DIR, "shortlinks", "domain", "pixels", "pixel_v1.js")
    digest = hashlib.sha384(script.read_bytes()).digest()
    snippet = (
        f'<script src="{settings.SHORT_BASE_URL}/pixel/v1.js"'
        f' data-site="{own.site.site_key}"'
        f' integrity="sha384-{base64.b64encode(digest).decode()}"'
        ' crossorigin="anonymous" defer></script>'
    )
    assert escape(snippet) in page


@pytest.mark.parametrize("origin", ["shop.example", "ftp://shop.example/", "https://"])
def test_invalid_site_is_rejected(
    client: Client, account: Account, origin: str
) -> None:
    response = add(client, ConnectedSite, account=account.pk, origin=origin)

    assert errors(response) == {
        "origin": ["Enter a web address, such as https://shop.example."]
    }


def test_own_host_is_rejected_as_a_site(client: Client, account: Account) -> None:
    own = f"{settings.SHORT_BASE_URL}/privacy"

    response = add(client, ConnectedSite, account=account.pk, origin=own)

    assert errors(response) == {
        "origin": ["This is an address of this service. Enter that of your site."]
    }


def test_sites_and_domains_are_unique_per_account(client: Client, own: World) -> None:
    account = own.account.pk

    site = add(client, ConnectedSite, account=account, origin="https://own.example/a")
    domain = add(client, ShortDomain, account=account, host="GO.own.example")

    assert (list(errors(site)), list(errors(domain))) == (["__all__"], ["__all__"])


# --- short domains -----------------------------------------------------------


def test_domain_page_shows_the_txt_record(client: Client, account: Account) -> None:
    hosts = {"host": "GO.Shop.Example", "cookie_domain": ".shop.example"}

    add(client, ShortDomain, account=account.pk, **hosts)

    row = ShortDomain.objects.get()
    page = client.get(address(row, "change")).content.decode()
    assert (row.host, row.cookie_domain) == ("go.shop.example", "shop.example")
    assert row.verified_at is None
    assert "_shortlinks.go.shop.example" in page
    assert f"shortlinks-verification={row.challenge}" in page


@pytest.mark.parametrize(
    ("hosts", "wrong"),
    [
        ({"host": "co.uk"}, "host"),
        ({"host": "https://go.shop.example/"}, "host"),
        ({"host": "co.uk", "cookie_domain": "uk"}, "host"),
        ({"host": "go.shop.example", "cookie_domain": "example"}, "cookie_domain"),
    ],
)
def test_invalid_domain_is_rejected(
    client: Client, account: Account, hosts: dict[str, str], wrong: str
) -> None:
    response = add(client, ShortDomain, account=account.pk, **hosts)

    assert list(errors(response)) == [wrong]
    assert not ShortDomain.objects.exists()


def test_domain_is_verified_used_and_deleted(
    client: Client, own: World, texts: dict[str, list[str]]
) -> None:
    domain = own.domain
    assert "DNS has no such name yet." in act(client, "check_now", domain)
    assert "is not verified yet" in act(client, "use_for_new_links", domain)
    texts[domain.txt_name] = [domain.txt_value]

    assert "It is verified." in act(client, "check_now", domain)
    assert "New links now use" in act(client, "use_for_new_links", domain)

    domain.refresh_from_db()
    assert domain.is_default
    log = LogEntry.objects.filter(object_id=domain.pk).order_by("pk")
    assert [entry.change_message for entry in log] == [
        "Verification: DNS has no such name yet.",
        "Verification: It is verified.",
        "Used for new links.",
    ]
    client.post(address(domain, "delete"), {"post": "yes"})
    assert not ShortDomain.objects.exists()


def test_verification_takes_few_domains_and_default_takes_one(
    client: Client, account: Account
) -> None:
    rows = [
        ShortDomain.objects.create(account=account, host=f"go{number}.shop.example")
        for number in range(6)
    ]

    assert "Choose at most 5 domains." in act(client, "check_now", *rows)
    assert "Choose one domain." in act(client, "use_for_new_links", *rows)


def test_sites_and_domains_cannot_be_changed(client: Client, own: World) -> None:
    posted = {"origin": "https://other.example", "host": "go.other.example"}

    statuses = [
        client.post(address(row, "change"), posted).status_code
        for row in (own.site, own.domain)
    ]

    assert statuses == [403, 403]


@pytest.mark.parametrize(
    ("times", "shown"),
    [
        ({}, "not verified"),
        ({"verified_at": DAY}, ">verified"),
        (
            {"verified_at": DAY, "proof_lost_at": DAY},
            "TXT record missing since 1\xa0Nov\xa02026; works until 29\xa0Nov\xa02026",
        ),
        (
            {"proof_lost_at": DAY},
            "stopped; the TXT record is missing since 1\xa0Nov\xa02026",
        ),
    ],
    ids=["claimed", "verified", "lost", "stopped"],
)
def test_list_tells_the_state_of_a_proof(
    client: Client, own: World, times: dict[str, datetime], shown: str
) -> None:
    ShortDomain.objects.filter(pk=own.domain.pk).update(verified_at=None)
    ShortDomain.objects.filter(pk=own.domain.pk).update(**times)

    listed = client.get(listing(ShortDomain)).content.decode()

    assert shown in listed


def test_dashboard_names_lost_proofs_of_the_account(
    client: Client, own: World, foreign: World
) -> None:
    domains = ShortDomain.objects.filter
    label = "Short domains without their TXT record"
    domains(pk=foreign.domain.pk).update(proof_lost_at=DAY)
    assert label not in client.get("/admin/").content.decode()

    domains(pk=own.domain.pk).update(proof_lost_at=DAY)

    assert label in client.get("/admin/").content.decode()
