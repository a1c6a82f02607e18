"""Short domains under customers' own sites (pixel §1.3, layer 3; ADR 17).

Whoever controls the name in DNS owns the domain. That it answers with what this service
put there would prove nothing: a name that leads here serves every account's proof.
"""

import re
from dataclasses import dataclass
from functools import cache

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from publicsuffixlist import PublicSuffixList

from shortlinks.domain.links import urls
from shortlinks.models import ShortDomain

DNS_TIMEOUT_SECONDS = 5.0
# What DNS and cookies take, and short enough for the name of the proof.
MAX_HOST_LENGTH = 240
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_BEYOND_THE_HOST = re.compile(r"[/\\:@?#\s]")
_MESSAGES = (
    (dns.resolver.NXDOMAIN, "DNS has no such name yet."),
    (dns.resolver.NoAnswer, "The name has no TXT record yet."),
    (dns.exception.Timeout, "The name servers do not answer, please try again."),
)


class InvalidDomain(ValueError):
    pass


class NotVerified(Exception):
    """Nobody has proven that the domain is the account's; nothing was changed."""


@dataclass(frozen=True, slots=True)
class VerificationResult:
    is_verified: bool
    detail: str


def parse_host(text: str) -> str:
    """A host that an account may claim, as it is compared."""
    bare = _bare(text.strip())
    if bare in urls.policy().own_hosts:
        raise InvalidDomain("This host is the service's own.")
    if not _is_under_public_suffix(bare):
        raise InvalidDomain("This is no host of a site.")
    return bare


def parse_cookie_domain(text: str, of_host: str) -> str:
    """The domain of the site that the host belongs to; "" is none."""
    if not text.strip():
        return ""
    bare = _bare(text.strip().lstrip("."))
    if f".{of_host}".endswith(f".{bare}") and _is_under_public_suffix(bare):
        return bare
    raise InvalidDomain("The host is not under this domain, or it is everybody's.")


def verify(domain: ShortDomain) -> VerificationResult:
    """Look for the account's proof in DNS; what was proven once stays so."""
    if domain.verified_at is not None:
        return VerificationResult(is_verified=True, detail="It is verified.")
    try:
        found = _texts(domain.txt_name)
    except dns.exception.DNSException as error:
        return VerificationResult(is_verified=False, detail=_in_words(error))
    if domain.txt_value not in found:
        return VerificationResult(
            is_verified=False, detail="The TXT record has another value."
        )
    return _check_texts(domain)


def set_default(domain: ShortDomain) -> None:
    """New links of the account have this host from now on, if it is verified."""
    with transaction.atomic():
        own = ShortDomain.objects.filter(account=domain.account_id)
        # Two at once take turns.
        rows = {row.pk: row for row in own.select_for_update().order_by("pk")}
        if domain.pk not in rows or rows[domain.pk].verified_at is None:
            raise NotVerified
        own.filter(is_default=True).update(is_default=False)
        own.filter(pk=domain.pk).update(is_default=True)


def _check_texts(domain: ShortDomain) -> VerificationResult:
    try:
        with transaction.atomic():
            domain.verified_at = timezone.now()
            domain.save(update_fields=["verified_at"])
    except IntegrityError:
        domain.verified_at = None
        return VerificationResult(
            is_verified=False, detail="It is another account's already."
        )
    return VerificationResult(is_verified=True, detail="It is verified.")


def _texts(name: str) -> set[str]:
    answer = _resolver().resolve(
        name, "TXT", lifetime=DNS_TIMEOUT_SECONDS, search=False
    )
    return {b"".join(record.strings).decode("utf-8", "replace") for record in answer}


def _resolver() -> dns.resolver.Resolver:
    """The machine's own name servers, unless others are set."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_NAMESERVERS)
    if settings.DNS_NAMESERVERS:
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(address, port)
            for address, port in settings.DNS_NAMESERVERS
        ]
    return resolver


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _bare(text: str) -> str:
    """The host alone: nothing of what is pasted round it is left out silently."""
    if _BEYOND_THE_HOST.search(text):
        raise InvalidDomain("Name the host alone, such as go.shop.example.")
    return urls.normalize_host(text)


def _is_under_public_suffix(bare: str) -> bool:
    if len(bare) > MAX_HOST_LENGTH or not _NAME.fullmatch(bare):
        return False
    return not urls.is_private(bare) and _suffixes().privatesuffix(bare) is not None


def _in_words(error: dns.exception.DNSException) -> str:
    for kind, words in _MESSAGES:
        if isinstance(error, kind):
            return words
    return "The name servers cannot tell, please try again."
