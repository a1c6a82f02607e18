"""Published networks are refreshed, checked and used."""

import contextlib
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortlinks.domain import known_networks
from shortlinks.domain.visits import published_networks
from shortlinks.domain.visits.published_networks import ImplausibleList, parse
from shortlinks.domain.webhooks import http_client
from shortlinks.models import PublishedNetworks
from tests import receivers
from tests.receivers import Quiet

AWS = json.dumps(
    {"prefixes": [{"ip_prefix": "3.5.140.0/22"}, {"ip_prefix": "52.94.0.0/16"}],
     "ipv6_prefixes": [{"ipv6_prefix": "2600:1f14::/35"}], "url": "https://a/b/24"}
)  # fmt: skip
BEFORE = ["3.5.140.0/22", "52.94.0.0/15"]


@pytest.fixture(autouse=True)
def without_published() -> Iterator[None]:
    yield
    published_networks._load.cache_clear()
    known_networks.use_published({})


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        pytest.param(
            AWS, ["3.5.140.0/22", "52.94.0.0/16", "2600:1f14::/35"], id="JSON"
        ),
        pytest.param(
            "91.108.4.0/22\n2001:b28:f23d::/48\n",
            ["91.108.4.0/22", "2001:b28:f23d::/48"],
            id="lines",
        ),
    ],
)
def test_networks_are_read_from_a_published_list(
    text: str, networks: list[str]
) -> None:
    assert [str(network) for network in parse(text, [])] == networks


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("<html>404</html>", id="a page"),
        pytest.param("0.0.0.0/0", id="the whole internet"),
        pytest.param("::/0", id="the whole internet in IPv6"),
        pytest.param("52.0.0.0/7", id="too wide"),
        pytest.param("10.0.0.0/8", id="private"),
        pytest.param("3.5.140.0/99", id="not a network"),
        pytest.param("52.94.0.0/12", id="not a network's first address"),
        pytest.param("52.0.0.0/8", id="suspicious growth"),
        pytest.param("\n".join(f"{n}.0.0.0/8" for n in range(20, 60)), id="too many"),
    ],
)
def test_implausible_list_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text, BEFORE)


def test_largest_list_is_accepted_only_up_to_a_part_of_the_internet() -> None:
    lists = "\n".join(f"{n}.0.0.0/8" for n in range(20, 37))

    with pytest.raises(ImplausibleList):
        parse(lists, [])


def test_stored_list_replaces_the_shipped_networks_of_its_owner(
    db: None, settings: Settings
) -> None:
    settings.REFRESH_PUBLISHED_NETWORKS = True
    PublishedNetworks.objects.create(
        owner="aws", networks=["203.0.113.0/24"], checked_at=timezone.now()
    )

    published_networks.load()

    found = known_networks.find("203.0.113.7", "full")
    assert found is not None
    assert found.owner.key == "aws"
    assert known_networks.find("54.186.1.1", "full") is None
    assert known_networks.find("52.154.9.4", "full") is not None  # another owner's


def test_list_that_cannot_be_loaded_keeps_the_last_good_one(
    db: None, settings: Settings
) -> None:
    """No proxy answers on this port."""
    settings.REFRESH_PUBLISHED_NETWORKS = True
    settings.WEBHOOK_PROXY = "http://127.0.0.1:9"
    old = timezone.now() - timedelta(days=3)
    rows = [
        PublishedNetworks(
            owner=owner.key,
            networks=["203.0.113.0/24"],
            checked_at=old,
            refreshed_at=old,
        )
        for owner in known_networks.read_owners()
        if owner.published
    ]
    PublishedNetworks.objects.bulk_create(rows)

    for _ in range(len(rows) + 1):
        published_networks.refresh_next()

    stored = PublishedNetworks.objects.all()
    assert {tuple(row.networks) for row in stored} == {("203.0.113.0/24",)}
    assert {row.refreshed_at for row in stored} == {old}
    assert all(row.checked_at > old and row.last_error for row in stored)


class Publisher(Quiet):
    """Returns the status that the path names, with a list or without end."""

    def do_GET(self) -> None:  # noqa: N802  as the library calls it
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Location", "/200")
        self.end_headers()
        with contextlib.suppress(OSError):
            while self.path.startswith("/endless"):
                self.wfile.write(b"192.0.2.0/24\n" * 1000)
            self.wfile.write(b"91.108.4.0/22")
        self.close_connection = True


@pytest.fixture
def publisher(settings: Settings) -> Iterator[str]:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with receivers.serving(Publisher) as (_, url):
        yield url.removesuffix("/hook")


def test_list_is_fetched(publisher: str) -> None:
    assert http_client.fetch(f"{publisher}/200", max_bytes=100) == b"91.108.4.0/22"


@pytest.mark.parametrize("path", ["404", "503", "302", "204", "endless/200"])
def test_response_that_is_not_a_whole_list_is_an_error(
    publisher: str, path: str
) -> None:
    with pytest.raises(OSError, match=r"."):
        http_client.fetch(f"{publisher}/{path}", max_bytes=10_000)


def test_list_at_a_private_address_is_not_fetched(
    publisher: str, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False

    with pytest.raises(OSError, match=r"."):
        http_client.fetch(f"{publisher}/200", max_bytes=100)


def test_nothing_is_loaded_without_the_setting(db: None) -> None:
    published_networks.refresh_next()

    assert not PublishedNetworks.objects.exists()
