"""Which urls a link may lead to, and where a browser would really go.

The rules are those of reference/security.md §3.1. Hosts are read by a WHATWG parser
(what browsers use), since other parsers can be made to see another host.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

import ada_url
from django.conf import settings

MAX_URL_LENGTH = 2048
PRIVATE_NAMES = ("localhost", "local", "internal", "onion", "home.arpa", "lan")

_WEB = re.compile(r"https?://[^/\\]", re.IGNORECASE)
_FORBIDDEN = re.compile(
    "[\x00-\x20\x7f-\x9f\\\\"  # controls, space, backslash
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they turn text round
    "\u2028\u2029\ufeff\ufffd\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class SafeUrl:
    """Made by `parse` alone: `given` is for people, `target` for browsers."""

    given: str
    target: str


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What this installation refuses beyond what is never a web address."""

    own_hosts: frozenset[str]
    allows_private: bool = False
    demo_origin: str = ""  # private, and allowed all the same


@cache
def policy() -> UrlPolicy:
    """The installation's own hosts, and whether private ones are allowed."""
    own = [
        urlsplit(url).hostname or ""
        for url in (settings.BASE_URL, settings.SHORT_BASE_URL)
    ]
    own += settings.EXTRA_SHORT_HOSTS
    return UrlPolicy(
        own_hosts=frozenset(normalize_host(host) for host in own),
        allows_private=settings.ALLOW_PRIVATE_TARGETS,
        demo_origin=settings.DEMO_SITE_URL,
    )


class UrlRejected(ValueError):
    def __init__(
        self, code: Literal["InvalidUrl", "UnsafeUrl", "TooLong"], detail: str
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def parse(given: str, policy: UrlPolicy) -> SafeUrl:
    """The url with the target a browser would open; UrlRejected says why not."""
    if len(given) > MAX_URL_LENGTH:
        raise UrlRejected(
            "TooLong", f"This value is too long: {MAX_URL_LENGTH} characters at most."
        )
    if _FORBIDDEN.search(given):
        raise UrlRejected(
            "InvalidUrl",
            "The URL has a space, a backslash, a control or a direction character.",
        )
    if not _WEB.match(given):
        raise UrlRejected("InvalidUrl", "The URL must start with http:// or https://.")
    parsed = _read(given)
    _refuse_unsafe(parsed, policy)
    return SafeUrl(given=given, target=parsed.href)


def is_still_allowed(target: str, policy: UrlPolicy) -> bool:
    """Whether today's rules let a stored target stand (security §3.1, rule 11)."""
    try:
        _refuse_unsafe(_read(target), policy)
    except UrlRejected:
        return False
    return True


def normalize_host(host: str) -> str:
    """A host as it is compared: lower case, punycode, no trailing dot."""
    try:
        host = ada_url.URL(f"http://{host}/").hostname
    except ValueError:
        return host.lower()
    return host.rstrip(".")


def _read(url: str) -> ada_url.URL:
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        raise UrlRejected("InvalidUrl", "This value is not a valid URL.") from None
    if parsed.protocol not in {"http:", "https:"} or parsed.port == "0":
        raise UrlRejected("InvalidUrl", "This value is not a valid URL.")
    return parsed


def _refuse_unsafe(parsed: ada_url.URL, policy: UrlPolicy) -> None:
    if parsed.username or parsed.password:
        raise UrlRejected("UnsafeUrl", "The URL must not carry a user name.")
    host = parsed.hostname.rstrip(".")
    if host in policy.own_hosts:
        raise UrlRejected("UnsafeUrl", "The URL leads back to this service.")
    if policy.allows_private or parsed.origin == policy.demo_origin:
        return
    if is_private(host):
        raise UrlRejected("UnsafeUrl", "The URL leads to a private or bare address.")


def short_base_url(host: str) -> str:
    """What short urls of this host begin with; of "", those of the service's own."""
    own = urlsplit(settings.SHORT_BASE_URL)
    if not host:
        return str(settings.SHORT_BASE_URL)
    port = f":{own.port}" if own.port else ""
    return f"{own.scheme}://{host}{port}"


def is_private(host: str) -> bool:
    """Whether only some networks know the host: any bare address counts as such."""
    if "." not in host or host.startswith("["):
        return True
    if any(host.endswith(f".{name}") for name in PRIVATE_NAMES):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
