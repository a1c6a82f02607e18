"""Rules for the URLs that links may lead to (docs/reference/security.md).

URLs are parsed by the WHATWG standard, like in browsers. Other parsers may find another
host in the same URL.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

import ada_url
from django.conf import settings
from django.utils.translation import gettext_noop

MAX_URL_LENGTH = 2048
PRIVATE_NAMES = ("localhost", "local", "internal", "onion", "home.arpa", "lan")

# Browsers remove control characters and spaces around a URL, and files begin with the
# byte order mark.
_AROUND = "".join(map(chr, range(0x21))) + "\ufeff"
# Word and messengers add Unicode's white space and word joiners to a copied URL.
_BEHIND = (
    _AROUND
    + "\xa0\u1680\u202f\u205f\u2060\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
)
_WEB = re.compile(r"https?://[^/\\]", re.IGNORECASE)
_FORBIDDEN = re.compile(
    "[\x00-\x20\x7f-\x9f\\\\"  # control characters, space, backslash
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they change the direction of text
    "\u2028\u2029\ufeff\ufffd\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class SafeUrl:
    """A checked URL, created only by `parse`: as given, and as browsers open it."""

    given: str
    target: str


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """The rules that depend on the installation."""

    own_hosts: frozenset[str]
    allows_private: bool = False
    demo_origin: str = ""  # allowed although it is private


@cache
def policy() -> UrlPolicy:
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
    """Return the URL and its target, or raise UrlRejected with the reason.

    White space around the URL is removed, as in browsers. Behind the URL, Unicode's
    white space is removed, too.
    """
    given = given.lstrip(_AROUND).rstrip(_BEHIND)
    if len(given) > MAX_URL_LENGTH:
        raise UrlRejected(
            "TooLong", f"This value is too long: at most {MAX_URL_LENGTH} characters."
        )
    if _FORBIDDEN.search(given):
        raise UrlRejected(
            "InvalidUrl",
            gettext_noop(
                "The URL contains a space, a backslash or an invisible character."
                " Percent-encode or remove it."
            ),
        )
    if not _WEB.match(given):
        raise UrlRejected(
            "InvalidUrl", gettext_noop("The URL must start with http:// or https://.")
        )
    parsed = _read(given)
    _refuse_unsafe(parsed, policy)
    return SafeUrl(given=given, target=parsed.href)


def is_still_allowed(target: str, policy: UrlPolicy) -> bool:
    """Return whether the current rules allow a target that was stored earlier."""
    try:
        _refuse_unsafe(_read(target), policy)
    except UrlRejected:
        return False
    return True


def normalize_host(host: str) -> str:
    """Return the host in lower case and punycode, without a trailing dot."""
    try:
        host = ada_url.URL(f"http://{host}/").hostname
    except ValueError:
        return host.lower()
    return host.rstrip(".")


def _read(url: str) -> ada_url.URL:
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        raise UrlRejected(
            "InvalidUrl", gettext_noop("This value is not a valid URL.")
        ) from None
    is_web = parsed.protocol in {"http:", "https:"} and parsed.port != "0"
    if not is_web or not _has_no_empty_label(parsed.hostname):
        raise UrlRejected("InvalidUrl", gettext_noop("This value is not a valid URL."))
    return parsed


def _has_no_empty_label(host: str) -> bool:
    """Return whether no label is empty. Their length is left to DNS, as in browsers."""
    return all(host.removesuffix(".").split("."))


def _refuse_unsafe(parsed: ada_url.URL, policy: UrlPolicy) -> None:
    if parsed.username or parsed.password:
        raise UrlRejected(
            "UnsafeUrl",
            gettext_noop("The URL contains a user name or password. Remove it."),
        )
    host = parsed.hostname.rstrip(".")
    if host in policy.own_hosts:
        raise UrlRejected(
            "UnsafeUrl",
            gettext_noop(
                "The URL leads back to this service. Use the address of a page."
            ),
        )
    if policy.allows_private or parsed.origin == policy.demo_origin:
        return
    if is_private(host):
        raise UrlRejected(
            "UnsafeUrl",
            gettext_noop(
                "The URL points to a private host or an IP address."
                " Use a public hostname."
            ),
        )


def short_base_url(host: str) -> str:
    """Return the base URL of a short domain, or of the service if it is empty."""
    own = urlsplit(settings.SHORT_BASE_URL)
    if not host:
        return str(settings.SHORT_BASE_URL)
    port = f":{own.port}" if own.port else ""
    return f"{own.scheme}://{host}{port}"


def is_private(host: str) -> bool:
    """Return whether the host is not public. Every IP address counts as private."""
    if "." not in host or host.startswith("["):
        return True
    if any(host.endswith(f".{name}") for name in PRIVATE_NAMES):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
