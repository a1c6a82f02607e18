"""Short domains under customers' own sites (docs/adr/0017).

A DNS record proves that an account owns a domain. A response from the domain would
prove nothing: every domain that points here is answered by this service.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop
from publicsuffixlist import PublicSuffixList

from shortlinks.domain.links import domain_proofs, urls
from shortlinks.domain.links.domain_proofs import Answer, Lookup
from shortlinks.models import ShortDomain

DNS_TIMEOUT_SECONDS = 5.0
# Fits DNS and cookies, and leaves room for the name of the TXT record.
MAX_HOST_LENGTH = 240
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_BEYOND_THE_HOST = re.compile(r"[/\\:@?#\s]")
_MESSAGES = (
    (
        dns.resolver.NXDOMAIN,
        gettext_noop("DNS has no such name yet."),
    ),
    (dns.resolver.NoAnswer, gettext_noop("The name has no TXT record yet.")),
    (
        dns.exception.Timeout,
        gettext_noop("The name servers do not respond. Try again later."),
    ),
)
TAKEN = gettext_noop("Another account has verified this domain already.")
OUTDATED = gettext_noop("Somebody else checks this domain now. Try again later.")
MAX_LOOKUPS = 3  # while others look up the same host


class InvalidDomain(ValueError):
    pass


class NotVerified(Exception):
    """The domain is not verified; nothing was changed."""


@dataclass(frozen=True, slots=True)
class VerificationResult:
    is_verified: bool
    detail: str


def parse_host(text: str) -> str:
    """Return the normalized host, if an account may claim it."""
    host = _normalize_bare_host(text.strip())
    if host in urls.policy().own_hosts:
        raise InvalidDomain(
            gettext_noop(
                "This host belongs to this service. Enter a host of your site."
            )
        )
    if not _is_under_public_suffix(host):
        raise InvalidDomain(
            gettext_noop("Enter a public hostname, such as go.shop.example.")
        )
    return host


def parse_cookie_domain(text: str, of_host: str) -> str:
    """Return the normalized parent domain of the host, or an empty string."""
    if not text.strip():
        return ""
    parent = _normalize_bare_host(text.strip().lstrip("."))
    if f".{of_host}".endswith(f".{parent}") and _is_under_public_suffix(parent):
        return parent
    raise InvalidDomain(
        gettext_noop(
            "Enter a domain that contains the host and is not a public suffix."
        )
    )


def verify(domain: ShortDomain) -> VerificationResult:
    """Look up the TXT record, and store whether the domain is proven."""
    for _ in range(MAX_LOOKUPS):
        asked_at = timezone.now()
        texts, problem = _look_up(domain)
        stored = domain_proofs.store(domain, Lookup(texts, asked_at))
        if not stored.is_outdated:
            break
    else:
        return VerificationResult(is_verified=False, detail=OUTDATED)
    if stored.is_taken:
        return VerificationResult(is_verified=False, detail=TAKEN)
    if stored.answer is Answer.FOUND:
        return VerificationResult(
            is_verified=True, detail=gettext_noop("It is verified.")
        )
    return VerificationResult(is_verified=False, detail=problem)


def verify_due(should_continue: Callable[[], bool]) -> int:
    """Verify the domains that are due; return how many were checked."""
    count = 0
    while should_continue() and (domain := _take_due()):
        verify(domain)
        count += 1
    return count


def set_default(domain: ShortDomain) -> None:
    """Use this host for new links of the account, or raise NotVerified."""
    with transaction.atomic():
        own = ShortDomain.objects.filter(account=domain.account_id)
        # locks all rows, so that concurrent changes wait
        rows = {row.pk: row for row in own.select_for_update().order_by("pk")}
        if domain.pk not in rows or rows[domain.pk].verified_at is None:
            raise NotVerified
        own.filter(is_default=True).update(is_default=False)
        own.filter(pk=domain.pk).update(is_default=True)


@transaction.atomic
def _take_due() -> ShortDomain | None:
    """Return a domain that is due for a check, and mark it as checked."""
    now = timezone.now()
    due = ShortDomain.objects.due(
        before=now - domain_proofs.CHECK_INTERVAL,
        lost_before=now - domain_proofs.LOST_CHECK_INTERVAL,
    )
    domain = due.select_for_update(skip_locked=True).first()
    if domain is not None:
        domain.checked_at = now
        domain.save(update_fields=["checked_at"])
    return domain


def _look_up(domain: ShortDomain) -> tuple[set[str] | None, str]:
    """Return the record's texts, or None if DNS failed, and the possible problem."""
    try:
        texts = _texts(domain.txt_name)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
        return set(), _explain(error)
    except dns.exception.DNSException as error:
        return None, _explain(error)
    return texts, gettext_noop("The TXT record has another value.")


def _texts(name: str) -> set[str]:
    answer = _resolver().resolve(
        name, "TXT", lifetime=DNS_TIMEOUT_SECONDS, search=False
    )
    return {b"".join(record.strings).decode("utf-8", "replace") for record in answer}


def _resolver() -> dns.resolver.Resolver:
    """Return a resolver for the configured name servers, or the system's."""
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


def _normalize_bare_host(text: str) -> str:
    """Return the normalized host, or raise InvalidDomain for any text around it."""
    if _BEYOND_THE_HOST.search(text):
        raise InvalidDomain(
            gettext_noop("Enter only the host, such as go.shop.example.")
        )
    return urls.normalize_host(text)


def _is_under_public_suffix(name: str) -> bool:
    if len(name) > MAX_HOST_LENGTH or not _NAME.fullmatch(name):
        return False
    return not urls.is_private(name) and _suffixes().privatesuffix(name) is not None


def _explain(error: dns.exception.DNSException) -> str:
    for kind, words in _MESSAGES:
        if isinstance(error, kind):
            return words
    return gettext_noop("The name servers returned an error. Try again later.")
