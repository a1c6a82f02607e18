"""Verify short domains by their DNS records."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.links import short_domains, urls
from shortlinks.models import ShortDomain


class Command(BaseCommand):
    help = (
        "Checks the TXT records of short domains that are not verified or whose record"
        " is missing, or of one host, and prints the results."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("host", nargs="?", help="by default, all without a proof")

    def handle(self, *args: Any, **options: Any) -> None:
        domains = ShortDomain.objects.select_related("account").order_by("id")
        if options["host"] is None:
            domains = domains.without_proof()
        else:
            domains = domains.filter(host=urls.normalize_host(options["host"]))
            if not domains:
                raise CommandError(
                    f"No account has the short domain {options['host']}."
                )
        for domain in domains:
            checked = short_domains.verify(domain)
            name = f"{domain.host} ({domain.account.subdomain})"
            self.stdout.write(f"{name}: {checked.detail}")
        self.stdout.write(f"{len(domains)} short domains checked.")
