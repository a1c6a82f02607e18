"""Promises of docker-compose.yml and its files. `make drills` runs them with Docker."""

import os
import re
import shutil
import subprocess
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.urls import reverse

from deploy import container, key_rotation, keys
from devserver import stores
from shortlinks.domain.webhooks import http_client

ROOT = Path(settings.BASE_DIR)
FILE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {
    name
    for name, service in SERVICES.items()
    if str(service.get("image", "")).startswith("${SHORTLINKS_IMAGE")
}
ONE_SHOTS = {"keys", "migrate"}
PINNED_FILE = ROOT / "docker-compose.pinned.yml"
PINNED: dict[str, dict[str, Any]] = yaml.safe_load(PINNED_FILE.read_text())["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_hardened(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped")


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOTS))
def test_container_has_a_health_check_and_a_memory_limit(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["mem_limit"]


def test_roles_of_the_image_have_a_service_each() -> None:
    roles = {SERVICES[name]["command"][0] for name in OURS}

    assert roles == {*container.LONG_LIVED, "migrate", "keys"}


def test_ports_are_published_for_caddy_and_on_loopback_for_grafana_only() -> None:
    ports = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}

    assert ports.keys() == {"caddy", "grafana"}
    assert ports["grafana"] == ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"]


def test_only_some_containers_have_a_route_to_the_internet() -> None:
    inner = {name for name, net in FILE["networks"].items() if "internal" in net}
    outside = {
        name
        for name, service in SERVICES.items()
        if not set(service.get("networks", [])) <= inner
        and "network_mode" not in service
    }

    assert FILE["networks"]["admin"]["internal"] == "${WEB_IS_OFFLINE:-true}"
    assert [FILE["networks"][n]["internal"] for n in sorted(inner - {"admin"})] == (
        [True] * 4
    )
    # Caddy serves visitors; the worker sends e-mails and fetches published networks.
    assert outside == {"caddy", "worker", "egress", "grafana"}


def test_webhooks_reach_the_internet_by_the_proxy_only() -> None:
    assert SERVICES["webhooks"]["networks"] == ["stores", "egress"]
    assert SERVICES["egress"]["networks"] == ["egress", "internet"]


def test_settings_that_are_passed_to_containers_exist() -> None:
    environments = [SERVICES[name].get("environment", {}) for name in OURS]
    passed = {name.removesuffix("_FILE") for each in environments for name in each}
    source = "".join(path.read_text() for path in (ROOT / "config").glob("*.py"))
    read = set(re.findall(r"""env\.\w+\(\s*"(\w+)\"""", source))

    assert passed <= read
    # Set by the image or by a role.
    assert read - passed == {
        *("SPOOL_DIR", "METRICS_DIR", "STATIC_ROOT"),
        *("METRICS_HOST", "METRICS_PORT", "HEALTH_HOST", "HEALTH_PORT"),
        "ROLE",
    }


@pytest.mark.parametrize("role", keys.USED_BY)
def test_container_has_only_the_secrets_that_its_process_reads(role: str) -> None:
    service = SERVICES[role]
    folder = key_rotation.folder_of(role)
    passed = {
        path.rpartition("/")[2]
        for name, path in service["environment"].items()
        if name.endswith("_FILE") and name != "OIDC_PROVIDERS_FILE"
    }

    assert passed == set(key_rotation.shared()[folder])
    mounted = [v for v in service["volumes"] if "keys" in v]
    assert mounted == [f"{folder}:/var/lib/shortlinks/keys:ro"]


def test_only_migrate_logs_in_as_the_owner_of_the_database() -> None:
    users = {
        name: re.search(r"//(\w+)@", SERVICES[name]["environment"]["DATABASE_URL"])
        for name in OURS - {"keys"}
    }
    owners = {name for name, user in users.items() if user and user[1] == stores.OWNER}

    assert all(users.values())
    assert owners == {"migrate"}


def test_only_keys_mounts_all_secrets_and_writes_each_folder() -> None:
    mounting = {
        name
        for name, service in SERVICES.items()
        if any(str(v).startswith("keys:") for v in service.get("volumes", []))
    }
    folders = {v for v in SERVICES["keys"]["volumes"] if v.startswith("keys-")}

    assert mounting == {"keys"}
    assert folders == {
        f"{folder}:/var/lib/shortlinks/{folder}" for folder in key_rotation.shared()
    }


def test_user_of_redis_has_the_rights_with_which_tests_run() -> None:
    assert stores.REDIS_RIGHTS in (ROOT / "docker" / "start-redis.sh").read_text()


def test_secrets_are_passed_as_files() -> None:
    for name in OURS:
        for setting, value in SERVICES[name].get("environment", {}).items():
            is_secret = "KEY" in setting or "PASSWORD" in setting
            if is_secret and setting != "REDIS_KEY_PREFIX":
                assert setting.endswith("_FILE")
                assert value.startswith("/var/lib/shortlinks/keys/")


def test_only_web_and_the_worker_get_the_mail_server() -> None:
    passed = {n for n in OURS if "EMAIL_URL" in SERVICES[n].get("environment", {})}

    assert passed == {"web", "worker"}


def test_image_contains_only_named_files() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = re.findall(
        r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )

    assert ignored[ignored.index("*") :][0] == "*"
    for source in copied:
        assert any(
            f"!{path.name}" in ignored or f"!{source}" in ignored
            for path in ROOT.glob(source)
        ), source
    assert "--require-hashes" in (ROOT / "Dockerfile").read_text()


def test_development_file_extends_existing_services_on_loopback() -> None:
    file = yaml.safe_load((ROOT / "docker-compose.dev.yml").read_text())

    assert file["services"].keys() <= SERVICES.keys()
    published = [p for s in file["services"].values() for p in s.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)


def base_images() -> set[str]:
    """Return each image from a registry that Compose runs or a Dockerfile extends."""
    names = {str(service["image"]) for service in SERVICES.values()}
    for path in [ROOT / "Dockerfile", *ROOT.glob("docker/*/Dockerfile")]:
        text = path.read_text()
        names |= set(re.findall(r"^ARG \w+_IMAGE=(.*)$", text, re.MULTILINE))
        froms = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
        assert all(re.fullmatch(r"\$\{\w+_IMAGE\}", name) for name in froms), path
    defaults = {re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", name) for name in names}
    return {name for name in defaults if not name.startswith("shortlinks")}


def test_each_image_from_a_registry_has_a_pin_of_its_version() -> None:
    pins = {
        image
        for service in PINNED.values()
        for image in (
            *([service["image"]] if "image" in service else []),
            *service.get("build", {}).get("args", {}).values(),
        )
    }

    for pin in pins:
        assert re.fullmatch(r"[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}", pin), pin
    for tag in base_images():
        repository, version = tag.split(":")
        main = re.split(r"[.-]", version)[0]
        assert [p for p in pins if re.match(rf"{repository}:{main}[.-]", p)], tag
    assert len(pins) == len(base_images())


def test_each_built_service_is_pinned() -> None:
    built = {name for name, service in SERVICES.items() if "build" in service}
    arguments = {name: SERVICES[name]["build"]["args"].keys() for name in built}
    pinned = {
        name: PINNED[name]["build"]["args"].keys() for name in built & PINNED.keys()
    }

    assert pinned.keys() == built
    for name in built:
        assert pinned[name] == {a for a in arguments[name] if a.endswith("_IMAGE")}


@pytest.mark.process
def test_digests_are_renewed_and_a_failure_changes_nothing(tmp_path: Path) -> None:
    source = PINNED_FILE.read_text()
    (tmp_path / "docker").mkdir()
    script = shutil.copy(ROOT / "docker" / "renew-digests.sh", tmp_path / "docker")
    pinned = tmp_path / PINNED_FILE.name
    pinned.write_text(source)
    registry = tmp_path / "bin" / "docker"
    registry.parent.mkdir()
    path = {"PATH": f"{registry.parent}:{os.environ['PATH']}"}
    digest = f"sha256:{'a' * 64}"

    def renew(answer: str) -> int:
        registry.write_text(f"#!/bin/sh\n{answer}\n")
        registry.chmod(0o755)
        done = subprocess.run([script], env=path, timeout=30, capture_output=True)
        return done.returncode

    assert renew(f'case "$4" in grafana*) exit 1 ;; esac; echo {digest}')
    assert renew("echo unknown")
    assert pinned.read_text() == source
    assert renew(f"echo {digest}") == 0
    assert pinned.read_text() == re.sub(r"sha256:[0-9a-f]{64}", digest, source)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "docker", pinned.name]


def test_caddy_allows_large_bodies_on_upload_pages_only() -> None:
    text = (ROOT / "docker" / "caddy" / "Caddyfile").read_text()
    [uploads] = re.findall(r"@uploads path (.*)", text)

    assert uploads.split() == [
        reverse("admin_import_contacts"),
        reverse("admin_import_users"),
    ]
    assert f"@others not path {uploads}\n" in text


def blocked_networks() -> list[IPv4Network | IPv6Network]:
    conf = (ROOT / "docker" / "egress" / "squid.conf").read_text()
    lines = re.findall(r"^acl private dst (.*)$", conf, re.MULTILINE)
    return [ip_network(word) for line in lines for word in line.split()]


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254"),
        *("172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::7f00:1", "64:ff9b::7f00:1", "100::1", "2001:db8::1", "2002:7f00::"),
        *("fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "5f00::1", "3fff::1"),
    ],
)
def test_egress_blocks_private_address(address: str) -> None:
    assert any(ip_address(address) in network for network in blocked_networks())


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2a00:1450::1"])
def test_egress_allows_public_address(address: str) -> None:
    assert http_client.is_public(address)
    assert not any(ip_address(address) in network for network in blocked_networks())
