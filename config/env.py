"""Typed readers of the environment; errors contain the name of the variable."""

import os
import re
from collections.abc import Collection, Sequence
from contextlib import nullcontext, suppress
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
PLACEHOLDER = "change-me"  # of .env.example
BACKENDS = "django.core.mail.backends"
SMTP_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
WEB = frozenset({"http", "https"})
# ALLOWED_HOSTS may have wildcards, and IPv6 addresses may have brackets.
HOST = re.compile(
    r"\*|\.?[\w-]+(?:\.[\w-]+)*\.?|[\da-f]*:[\da-f:]*:[\da-f:.]*|\[[\da-f:.]+\]"
)


def read(name: str) -> str | None:
    """Return the variable, or the content of the file that `NAME_FILE` names."""
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


def hosts(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return host names or addresses, without scheme and port."""
    found = list_(name, default)
    for word in found:
        if not HOST.fullmatch(word.lower()):
            raise ImproperlyConfigured(f"{name} must name hosts, not {word!r}")
    return found


def bind_address(name: str) -> str:
    """Return the host name or address on which to listen, by default loopback."""
    found = hosts(name, ["127.0.0.1"])
    if len(found) != 1:
        raise ImproperlyConfigured(f"{name} must be one address")
    return found[0]


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
    """Return one of the choices; without `default`, the first is the default."""
    value = text(name, choices[0] if default is None else default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}")
    return value


def redis_url(name: str, *, password: str = "") -> str:
    """Return the URL, with the password if the URL has none."""
    value = text(name)
    example = "redis://:password@host:6379/0"
    parts = _split(name, value, {"redis", "rediss", "unix"}, example)
    is_socket = parts.scheme == "unix"
    # redis-py uses database 0 if the path is not a number.
    if not is_socket and not re.fullmatch(r"/?\d*/?", parts.path):
        raise ImproperlyConfigured(f"{name} must be like {example}")
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
    """Return a URL without a path, or "" if the setting and the default are empty."""
    value = text(name, default).rstrip("/")
    if not value and not default:
        return ""
    example = "https://go.example.com"
    parts = _split(name, value, WEB, example)
    if not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must be like {example}")
    return value


def endpoint(name: str) -> str:
    """Return a URL that may have a path, or ""."""
    value = text(name, "").rstrip("/")
    example = "http://collector:4318"
    if value and not _split(name, value, WEB, example).hostname:
        raise ImproperlyConfigured(f"{name} must be like {example}")
    return value


def sentry_dsn(name: str) -> str:
    """Return a URL with a public key and a project, or ""."""
    value = text(name, "")
    if not value:
        return ""
    example = "https://key@sentry.example.com/1"
    parts = _split(name, value, WEB, example)
    if not parts.hostname or not parts.username or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must be like {example}")
    return value


def _split(
    name: str, value: str, schemes: Collection[str], example: str
) -> SplitResult:
    """Return the parts of a URL with a valid scheme, host and port.

    Errors do not contain the value, because it may contain a password.
    """
    with suppress(ValueError):  # invalid brackets, or a port that is not a number
        parts = urlsplit(value)
        has_host = not parts.hostname or HOST.fullmatch(parts.hostname)
        if parts.scheme in schemes and parts.port != 0 and has_host:
            return parts
    raise ImproperlyConfigured(f"{name} must be like {example}")


def email(name: str) -> dict[str, Any]:
    """Return Django's settings for a URL of a mail server or folder, or for no mail.

    `smtp://user:password@host:587` uses STARTTLS, `smtps://` TLS from the start,
    `smtp+plain://` neither, and `file:///folder` writes files.
    """
    value = text(name, "")
    if not value:
        return {"BACKEND": f"{BACKENDS}.dummy.EmailBackend"}
    example = "smtp://user:password@host:587"
    parts = _split(name, value, {*SMTP_PORTS, "file"}, example)
    if parts.scheme == "file" and parts.path:
        path = unquote(parts.path)
        return {"BACKEND": f"{BACKENDS}.filebased.EmailBackend", "FILE_PATH": path}
    if parts.scheme == "file" or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be like {example}")
    return {
        "BACKEND": f"{BACKENDS}.smtp.EmailBackend",
        "HOST": parts.hostname,
        "PORT": parts.port or SMTP_PORTS[parts.scheme],
        "HOST_USER": unquote(parts.username or ""),
        "HOST_PASSWORD": unquote(parts.password or ""),
        "USE_TLS": parts.scheme == "smtp",
        "USE_SSL": parts.scheme == "smtps",
    }


def sender(name: str, default: str) -> str:
    """Return an e-mail address, which may have a name: `Shop <shop@example.com>`."""
    value = read(name)
    if not value:
        return default
    try:
        validate_email(parseaddr(value)[1])
    except ValidationError:
        raise ImproperlyConfigured(
            f"{name} must be like shortlinks@example.com"
        ) from None
    return value


def host(url: str) -> str:
    return urlsplit(url).hostname or ""


def database(name: str, *, password: str = "") -> dict[str, Any]:
    """Return Django's settings for a `postgres://user:password@host:port/name` URL.

    `password` is used if the URL has none.
    """
    example = "postgres://user:password@host:5432/shortlinks"
    parts = _split(name, text(name), {"postgres", "postgresql"}, example)
    if not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must be like {example}")
    return {
        "ENGINE": "config.postgres",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or "") or password,
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
