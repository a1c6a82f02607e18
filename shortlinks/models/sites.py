"""Customers' own hosts: sites that recognise visitors, and domains of short links."""

import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.models.accounts import Account
from shortlinks.models.contacts import Contact


def new_site_key() -> str:
    return secrets.token_hex(12)


def new_challenge() -> str:
    return secrets.token_hex(16)


class ConnectedSite(models.Model):
    """A site of the account's; links that lead there carry a click token (pixel §1.3).

    The key is public: it stands in the site's pages.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    origin = models.CharField(
        max_length=270,
        help_text="As browsers say it: https://shop.example, with the port if it has"
        " one of its own. www.shop.example is another.",
    )
    site_key = models.CharField(
        max_length=24, unique=True, default=new_site_key, editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "origin"], name="connected_site_origin_unique"
            )
        ]

    def __str__(self) -> str:
        return self.origin


class RedemptionQuerySet(models.QuerySet["Redemption"]):
    def of_browser(self, account_id: int, visitor_uid: str, since: datetime) -> Self:
        """Whose clicks this browser redeemed since then, the newest first (pixel R6).

        Also those of visits that are not, or no longer, a person's.
        """
        return self.filter(
            account_id=account_id, visitor_uid=visitor_uid, redeemed_at__gte=since
        ).order_by("-redeemed_at", "-visit_id")


class Redemption(models.Model):
    """A click token that a site redeemed: its visit's id is the key, so only one can.

    An outbox like the visit: `due_at` is when to follow it up, empty when nothing is
    left. Written by `domain/redeeming`, not through the ORM.
    """

    visit_id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    visitor_uid = models.CharField(
        max_length=26, help_text="What the site's page goes by from now on."
    )
    previous_cookie_sha256 = models.BinaryField(
        max_length=32,
        null=True,
        help_text="Of the browser that the page knew, if it is not the visit's.",
    )
    idempotency_key = models.UUIDField(help_text="One that is written twice is one.")
    redeemed_at = models.DateTimeField(db_default=Now())
    gesture_at = models.DateTimeField(
        null=True, help_text="When a pointer, key or touch was felt on the page."
    )
    due_at = models.DateTimeField(null=True)

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["account", "visitor_uid", "redeemed_at"],
                name="redemption_by_browser",
            ),
            models.Index(
                fields=["due_at"],
                name="redemption_due",
                condition=Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visitor_uid} at {self.redeemed_at:%Y-%m-%d %H:%M:%S}"


class ShortDomainQuerySet(models.QuerySet["ShortDomain"]):
    def verified(self) -> Self:
        return self.exclude(verified_at=None)


class ShortDomain(models.Model):
    """A host under the customer's own site that answers for the account's links."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    host = models.CharField(
        max_length=253, help_text="For example go.shop.example; points to this service."
    )
    cookie_domain = models.CharField(
        max_length=253,
        blank=True,
        help_text="For example shop.example: its server then reads the cookie of the"
        " browser. Empty: the cookie stays on the short domain.",
    )
    challenge = models.CharField(max_length=32, default=new_challenge, editable=False)
    verified_at = models.DateTimeField(null=True, editable=False)
    is_default = models.BooleanField(
        "of new links", default=False, help_text="New links have this host."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ShortDomainQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "host"],
                name="short_domain_host_per_account_unique",
                violation_error_message="The account has this domain already.",
            ),
            # Anybody may claim a host; one proves it.
            models.UniqueConstraint(
                fields=["host"],
                condition=Q(verified_at__isnull=False),
                name="short_domain_verified_host_unique",
                violation_error_message="This domain is another account's.",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(is_default=True),
                name="short_domain_one_default",
                violation_error_message="Another domain is that of new links.",
            ),
        ]

    def __str__(self) -> str:
        return self.host

    @property
    def txt_name(self) -> str:
        return f"_shortlinks.{self.host}"

    @property
    def txt_value(self) -> str:
        return f"shortlinks-verification={self.challenge}"
