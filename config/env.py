"""Typed readers of the environment; a bad value stops the start-up by name."""

import os
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
PLACEHOLDER = "change-me"  # of .env.example


def given(name: str) -> str | None:
    """The variable, or the content of the file that `NAME_FILE` names."""
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if path is None:
        return value
    if value is not None:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {error}") from None


def text(name: str, default: str | None = None) -> str:
    value = given(name)
    if value is None:
        value = default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set")
    return value


def flag(name: str, *, default: bool) -> bool:
    value = text(name, str(default)).strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}")


def number(name: str, default: float, *, minimum: float, maximum: float) -> float:
    value = text(name, str(default))
    try:
        parsed = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number") from None
    if not minimum <= parsed <= maximum:
        raise ImproperlyConfigured(f"{name} must be from {minimum:g} to {maximum:g}")
    return parsed


def list_(name: str, default: Sequence[str] = ()) -> list[str]:
    value = given(name)
    if value is None:
        return list(default)
    return [word for part in value.split(",") if (word := part.strip())]


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(word) for word in list_(name))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def nameservers(name: str) -> tuple[tuple[str, int], ...]:
    """Addresses, each with a port or the usual one: `192.0.2.1,192.0.2.2:5353`."""
    found = []
    for word in list_(name):
        has_port = word.count(":") == 1
        host, _, port = word.rpartition(":") if has_port else (word, "", "53")
        try:
            found.append((str(ip_address(host)), int(port)))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}") from None
        if not 0 < found[-1][1] < 2**16:
            raise ImproperlyConfigured(f"{name}: {port} is no port")
    return tuple(found)


def network_file(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks in a file, one a line; "#" begins a comment."""
    path = given(name)
    if not path:
        return ()
    try:
        rows = Path(path).read_text().splitlines()
        lines = [row.partition("#")[0].strip() for row in rows]
        return tuple(ip_network(line) for line in lines if line)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def secret(name: str, *, minimum: int) -> str:
    value = text(name)
    if len(value) < minimum or value.startswith(PLACEHOLDER):
        raise ImproperlyConfigured(f"{name} must be a secret of {minimum} characters")
    return value


def choice(name: str, choices: Sequence[str]) -> str:
    """One of the choices; the first is the default."""
    value = text(name, choices[0])
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}")
    return value


def redis_url(name: str, *, password: str = "") -> str:
    """With the password, if there is one and the url has none."""
    value = text(name)
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(f"{name} must be like redis://:password@host:6379/0")
    if not password or parts.password:
        return value
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"{user}:{quote(password, safe='')}@{place}"
    return parts._replace(netloc=netloc).geturl()


def keyring(name: str) -> dict[str, bytes]:
    """Keys by id, the newest first: `k2:secret,k1:older secret`."""
    ring: dict[str, bytes] = {}
    for word in list_(name):
        kid, _, key = word.partition(":")
        if not kid.isalnum() or len(key) < 32 or key.startswith(PLACEHOLDER):
            raise ImproperlyConfigured(
                f"{name} must be kid:secret pairs, the secret of 32 characters or more"
            )
        ring[kid] = key.encode()
    if not ring:
        raise ImproperlyConfigured(f"{name} is not set")
    return ring


def http_url(name: str, default: str) -> str:
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
        raise ImproperlyConfigured(f"{name} must be like https://go.example.com")
    return value


def host(url: str) -> str:
    return urlsplit(url).hostname or ""


def database(name: str, *, password: str = "") -> dict[str, Any]:
    """Django's settings for a `postgres://user:password@host:port/name` url.

    The password apart is for a url that has none.
    """
    parts = urlsplit(text(name))
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"{name} must be like postgres://user:password@host:5432/shortlinks"
        )
    return {
        "ENGINE": "config.postgres",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or "") or password,
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
