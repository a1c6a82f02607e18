"""Networks of scanners, clouds and previews, by the address as it is stored."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from pytest_django import Settings

from shortlinks.domain import known_networks


@pytest.fixture(autouse=True)
def clear_caches() -> Iterator[None]:
    known_networks.clear_caches()
    yield
    known_networks.clear_caches()


def found(address: str | None, mask: str = "full") -> str | None:
    match = known_networks.find(address, mask)
    return match.owner.key if match else None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        pytest.param("91.220.42.7", "mimecast", id="mail gateway"),
        pytest.param("209.222.84.1", "barracuda", id="inside a wider network"),
        pytest.param("209.222.82.1", "aws", id="a narrower network of another owner"),
        pytest.param("52.98.31.4", "exchange-online", id="reviewed before Azure"),
        pytest.param("52.154.9.4", "azure", id="cloud"),
        pytest.param("2a01:111:f100::1", "azure", id="IPv6"),
        pytest.param("2a01:111:f400::1", "exchange-online", id="reviewed IPv6"),
        pytest.param("149.154.167.50", "telegram", id="messenger"),
        pytest.param("104.28.40.1", None, id="iCloud Private Relay at Cloudflare"),
        pytest.param("172.224.224.1", None, id="iCloud Private Relay at Akamai"),
        pytest.param("165.225.72.1", None, id="Zscaler"),
        pytest.param("77.88.55.1", None, id="Yandex"),
        pytest.param("192.0.2.1", None, id="unlisted"),
        pytest.param(None, None, id="not stored"),
        pytest.param("nonsense", None, id="not an address"),
    ],
)
def test_address_is_found_in_the_shipped_networks(
    address: str | None, key: str | None
) -> None:
    assert found(address) == key


def test_each_owner_has_a_source_and_networks() -> None:
    owners = known_networks.read_owners()

    assert all(owner.source and (owner.asns or owner.networks) for owner in owners)
    assert len({owner.key for owner in owners}) == len(owners)
    assert max(len(owner.key) for owner in owners) <= known_networks.MAX_KEY_LENGTH


def test_no_shipped_network_is_wider_than_a_provider() -> None:
    networks = [network for network, _ in known_networks.shipped_networks()]

    assert min(n.prefixlen for n in networks if n.version == 4) >= 8
    assert min(n.prefixlen for n in networks if n.version == 6) >= 16


def own(network: str, **fields: str) -> tuple[Any, ...]:
    row = {"scope": "opens", "certainty": "certain", "name": "A client"} | fields
    return (ip_network(network), row["scope"], row["certainty"], row["name"])


def test_own_network_comes_before_the_shipped_ones(settings: Settings) -> None:
    settings.BOT_NETWORKS_PATH = [
        own("52.154.0.0/16", certainty="none"),
        own("52.154.9.0/24", name="Own scanner"),
    ]

    assert found("52.154.9.4") == "Own scanner"
    assert found("52.154.10.4") is None
    assert found("52.155.9.4") == "azure"


@pytest.mark.parametrize(
    ("address", "network", "key"),
    [
        ("203.0.113.0", "203.0.113.0/24", "A client"),
        ("203.0.113.0", "203.0.113.0/25", None),
        ("2001:db8:1::", "2001:db8:1::/48", "A client"),
        ("2001:db8:1::", "2001:db8:1::/64", None),
    ],
)
def test_masked_address_matches_wide_networks_only(
    settings: Settings, address: str, network: str, key: str | None
) -> None:
    settings.BOT_NETWORKS_PATH = [own(network)]

    assert found(address, "truncated") == key


SYSTEMS = {
    "203.0.113.0/24": 22843,
    "198.51.100.0/25": 64500,
    "198.51.100.128/25": 22843,
    "2001:db8::/32": 30031,
}


@pytest.mark.parametrize(
    ("address", "mask", "key"),
    [
        pytest.param("203.0.113.9", "full", "proofpoint", id="known system"),
        pytest.param("198.51.100.9", "full", None, id="unknown system"),
        pytest.param("91.220.42.7", "full", None, id="no longer the system's"),
        pytest.param("52.98.31.4", "full", "exchange-online", id="reviewed network"),
        pytest.param("203.0.113.0", "truncated", "proofpoint", id="wide enough"),
        pytest.param("198.51.100.128", "truncated", None, id="too narrow"),
        pytest.param("2001:db8::1", "full", "mimecast", id="IPv6"),
    ],
)
def test_asn_database_replaces_the_shipped_systems(
    settings: Settings, tmp_path: Path, address: str, mask: str, key: str | None
) -> None:
    database = MMDBWriter(ip_version=6, ipv4_compatible=True)
    for network, asn in SYSTEMS.items():
        database.insert_network(IPSet([network]), {"autonomous_system_number": asn})
    settings.ASN_DATABASE_PATH = str(tmp_path / "asn.mmdb")
    database.to_db_file(settings.ASN_DATABASE_PATH)

    assert found(address, mask) == key
