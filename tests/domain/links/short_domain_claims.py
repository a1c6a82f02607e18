"""Claims of one host, and the TXT records that prove them."""

import pytest
from django.conf import settings

from shortlinks.models import ShortDomain
from tests.name_servers import Address

HOST = "go.shop.example"
Texts = dict[str, list[str]]


def ask(monkeypatch: pytest.MonkeyPatch, address: Address) -> None:
    monkeypatch.setattr(settings, "DNS_NAMESERVERS", (address,))


def is_verified(domain: ShortDomain) -> bool:
    return ShortDomain.objects.verified().filter(pk=domain.pk).exists()


def prove(texts: Texts, *domains: ShortDomain) -> None:
    for domain in domains:
        texts.setdefault(domain.txt_name, []).append(domain.txt_value)
