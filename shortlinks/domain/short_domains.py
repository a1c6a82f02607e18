"""Short domains under customers' own sites (pixel §1.3, layer 3; ADR 17).

Whoever controls the name in DNS owns the domain. That it answers with what this service
put there would prove nothing: a name that leads here serves every account's proof.
"""

from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from publicsuffixlist import PublicSuffixList

from shortlinks.domain import urls
from shortlinks.models import ShortDomain

DNS_SECONDS = 5.0


class DomainRejected(ValueError):
    pass


@dataclass(frozen=True, slots=True)
class Checked:
    is_verified: bool
    detail: str


def host(text: str) -> str:
    """A host that an account may claim, as it is compared."""
    bare = urls.bare_host(text.strip())
    if bare in urls.policy().own_hosts:
        raise DomainRejected("This host is the service's own.")
    if _suffixes().privatesuffix(bare) is None or urls.is_private(bare):
        raise DomainRejected("This is no host of a site.")
    return bare


def cookie_domain(text: str, of_host: str) -> str:
    """The domain of the site that the host belongs to; "" is none."""
    if not text.strip():
        return ""
    bare = urls.bare_host(text.strip().lstrip("."))
    if f".{of_host}".endswith(f".{bare}") and _suffixes().privatesuffix(bare):
        return bare
    raise DomainRejected("The host is not under this domain, or it is everybody's.")


def check(domain: ShortDomain) -> Checked:
    """Look for the account's proof in DNS; what was proven once stays so."""
    if domain.verified_at is not None:
        return Checked(is_verified=True, detail="It is verified.")
    try:
        found = _texts(domain.txt_name)
    except dns.exception.DNSException as error:
        return Checked(is_verified=False, detail=f"DNS says: {type(error).__name__}")
    if domain.txt_value not in found:
        return Checked(is_verified=False, detail="The TXT record is another.")
    return _verify(domain)


def make_primary(domain: ShortDomain) -> None:
    """New links of the account have this host from now on, if it is verified."""
    if domain.verified_at is None:
        return
    with transaction.atomic():
        others = ShortDomain.objects.filter(account=domain.account_id)
        others.filter(is_primary=True).update(is_primary=False)
        others.filter(pk=domain.pk).update(is_primary=True)


def base_url(of_host: str) -> str:
    """What short urls begin with; of no host, the service's own."""
    own = urlsplit(settings.SHORT_BASE_URL)
    if not of_host:
        return str(settings.SHORT_BASE_URL)
    port = f":{own.port}" if own.port else ""
    return f"{own.scheme}://{of_host}{port}"


def _verify(domain: ShortDomain) -> Checked:
    try:
        with transaction.atomic():
            domain.verified_at = timezone.now()
            domain.save(update_fields=["verified_at"])
    except IntegrityError:
        domain.verified_at = None
        return Checked(is_verified=False, detail="It is another account's.")
    return Checked(is_verified=True, detail="It is verified.")


def _texts(name: str) -> set[str]:
    answer = _resolver().resolve(name, "TXT", lifetime=DNS_SECONDS, search=False)
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
