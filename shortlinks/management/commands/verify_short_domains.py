"""Look for the proofs of short domains in DNS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.links import short_domains, urls
from shortlinks.models import ShortDomain


class Command(BaseCommand):
    help = (
        "Looks for the TXT records of the short domains that are not verified yet, or"
        " of those that claim one host, and says what it saw."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("host", nargs="?", help="all that wait if not named")

    def handle(self, *args: Any, **options: Any) -> None:
        domains = ShortDomain.objects.select_related("account").order_by("id")
        if options["host"] is None:
            domains = domains.filter(verified_at=None)
        else:
            domains = domains.filter(host=urls.normalize_host(options["host"]))
            if not domains:
                raise CommandError(f"no account claims {options['host']}")
        for domain in domains:
            checked = short_domains.verify(domain)
            whose = f"{domain.host} ({domain.account.subdomain})"
            self.stdout.write(f"{whose}: {checked.detail}")
        self.stdout.write(f"{len(domains)} short domains checked.")
