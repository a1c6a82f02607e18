"""Typed readers of the environment; errors contain the name of the variable."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
PLACEHOLDER = "change-me"  # of .env.example
BACKENDS = "django.core.mail.backends"
SMTP_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


def read(name: str) -> str | None:
    """Return the variable, or the content of the file at `NAME_FILE`."""
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
    value = read(name)
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
    value = read(name)
    if value is None:
        return list(default)
    return [word for part in value.split(",") if (word := part.strip())]


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(word) for word in list_(name))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def nameservers(name: str) -> tuple[tuple[str, int], ...]:
    """Read addresses with or without a port, such as `192.0.2.1,192.0.2.2:5353`."""
    found = []
    for word in list_(name):
        has_port = word.count(":") == 1
        host, _, port = word.rpartition(":") if has_port else (word, "", "53")
        try:
            found.append((str(ip_address(host)), int(port)))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}") from None
        if not 0 < found[-1][1] < 2**16:
            raise ImproperlyConfigured(f"{name}: {port} is not a port")
    return tuple(found)


BotNetwork = tuple[IPv4Network | IPv6Network, str, str, str]


def bot_networks(name: str) -> tuple[BotNetwork, ...]:
    """Read a file with one network per line; "#" starts a comment.

    A line is a network, and optionally its scope ("opens" or "previews"), certainty
    ("certain", "probable", or "none" for people) and a name.
    """
    path = read(name)
    if not path:
        return ()
    try:
        rows = Path(path).read_text().splitlines()
        lines = [row.partition("#")[0].strip() for row in rows]
        return tuple(_bot_network(line) for line in lines if line)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def _bot_network(line: str) -> BotNetwork:
    network, scope, certainty, owner = (*line.split(maxsplit=3), *[""] * 3)[:4]
    scope, certainty = scope or "opens", certainty or "certain"
    if scope not in {"opens", "previews"}:
        raise ValueError(f"{line}: the scope must be opens or previews")
    if certainty not in {"certain", "probable", "none"}:
        raise ValueError(f"{line}: the certainty must be certain, probable or none")
    return ip_network(network), scope, certainty, owner or network


def database_file(name: str) -> str:
    """Return the path of a readable file, or ""."""
    path = read(name) or ""
    try:
        with Path(path).open("rb") if path else nullcontext():
            return path
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def secret(name: str, *, minimum: int) -> str:
    value = text(name)
    if len(value) < minimum or value.startswith(PLACEHOLDER):
        raise ImproperlyConfigured(
            f"{name} must be a secret of {minimum} characters or more"
        )
    return value


def choice(name: str, choices: Sequence[str], *, default: str | None = None) -> str:
    """Return one of the choices; the first is the default, if there is no other."""
    value = text(name, choices[0] if default is None else default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}")
    return value


def redis_url(name: str, *, password: str = "") -> str:
    """Return the URL, with the password if the URL has none."""
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
    """Return keys by id, the newest first: `k2:secret,k1:older secret`."""
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


def email(name: str) -> dict[str, Any]:
    """Return Django's settings for a URL of a mail server or folder, or for no mail.

    `smtp://user:password@host:587` uses STARTTLS, `smtps://` TLS from the start,
    `smtp+plain://` neither, and `file:///folder` writes files.
    """
    value = text(name, "")
    parts = urlsplit(value)
    if not value:
        return {"BACKEND": f"{BACKENDS}.dummy.EmailBackend"}
    if parts.scheme == "file" and parts.path:
        path = unquote(parts.path)
        return {"BACKEND": f"{BACKENDS}.filebased.EmailBackend", "FILE_PATH": path}
    if parts.scheme not in SMTP_PORTS or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be like smtp://user:password@host:587")
    return {
        "BACKEND": f"{BACKENDS}.smtp.EmailBackend",
        "HOST": parts.hostname,
        "PORT": parts.port or SMTP_PORTS[parts.scheme],
        "HOST_USER": unquote(parts.username or ""),
        "HOST_PASSWORD": unquote(parts.password or ""),
        "USE_TLS": parts.scheme == "smtp",
        "USE_SSL": parts.scheme == "smtps",
    }


def host(url: str) -> str:
    return urlsplit(url).hostname or ""


def database(name: str, *, password: str = "") -> dict[str, Any]:
    """Return Django's settings for a `postgres://user:password@host:port/name` URL.

    `password` is used if the URL has none.
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
