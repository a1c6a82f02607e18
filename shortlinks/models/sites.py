"""Customers' hosts: connected sites and domains for short links."""

import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account
from shortlinks.models.contacts import Contact


def new_site_key() -> str:
    return secrets.token_hex(12)


def new_challenge() -> str:
    return secrets.token_hex(16)


class ConnectedSite(models.Model):
    """A customer's site. Links to it contain a click token.

    The key is public, because the site's pages contain it.
    """

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    origin = models.CharField(
        _("site address"),
        max_length=270,
        help_text=_(
            "For example https://shop.example, with the port if it is not the"
            " default. www.shop.example is another site."
        ),
    )
    site_key = models.CharField(
        _("site key"), max_length=24, unique=True, default=new_site_key, editable=False
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )

    class Meta:
        verbose_name = _("connected site")
        verbose_name_plural = _("connected sites")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "origin"], name="connected_site_origin_unique"
            )
        ]

    def __str__(self) -> str:
        return self.origin


class RedemptionQuerySet(models.QuerySet["Redemption"]):
    def of_browser(self, account_id: int, visitor_uid: str, since: datetime) -> Self:
        """Return the browser's redemptions, newest first, whatever their verdicts."""
        return self.filter(
            account_id=account_id, visitor_uid=visitor_uid, redeemed_at__gte=since
        ).order_by("-redeemed_at", "-visit_id")


class Redemption(models.Model):
    """A redeemed click token. The key is the visit's id, so it is redeemed once.

    `due_at` is when a worker processes the redemption, and empty when that is done.
    `domain/pixels/click_redemption.py` inserts the rows, without the ORM.
    """

    visit_id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    visitor_uid = models.CharField(
        _("visitor ID"),
        max_length=26,
        help_text="Browser id that the site's page uses from now on.",
    )
    previous_cookie_sha256 = models.BinaryField(
        max_length=32,
        null=True,
        help_text="Cookie of the page's browser, unless it is the visit's.",
    )
    is_same_browser = models.BooleanField(
        db_default=True,
        help_text="Whether the page is surely in the browser that clicked.",
    )
    idempotency_key = models.UUIDField(
        help_text="A repeated redemption has the same key."
    )
    redeemed_at = models.DateTimeField(_("arrived"), db_default=Now())
    gesture_at = models.DateTimeField(
        _("used the page"),
        null=True,
        help_text="Time of a pointer, key or touch event on the page.",
    )
    due_at = models.DateTimeField(null=True)

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("arrival on a site")
        verbose_name_plural = _("arrivals on sites")
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

    def without_proof(self) -> Self:
        """Return the domains without a valid record at the last check, if any."""
        return self.exclude(verified_at__isnull=False, proof_lost_at=None)

    def lost(self) -> Self:
        """Return the domains that were proven, but whose record is missing."""
        return self.exclude(proof_lost_at=None)

    def due(self, *, before: datetime, lost_before: datetime) -> Self:
        """Return the domains that were proven and are due for a check, oldest first.

        They were last checked before `before`, or before `lost_before` if their record
        is missing.
        """
        is_due = Q(checked_at=None) | Q(checked_at__lt=before)
        is_lost = Q(proof_lost_at__isnull=False)
        was_proven = Q(verified_at__isnull=False) | is_lost
        found = self.filter(
            was_proven, is_due | is_lost & Q(checked_at__lt=lost_before)
        )
        return found.order_by(F("checked_at").asc(nulls_first=True), "pk")


class ShortDomain(models.Model):
    """A customer's host name for short links of the account.

    It has no effect unless `verified_at` is set. `proof_lost_at` is the first check
    that did not find the record of a domain that was verified.
    """

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    host = models.CharField(
        _("domain"),
        max_length=253,
        help_text=_(
            "For example go.shop.example. Its DNS record must point to this service."
        ),
    )
    cookie_domain = models.CharField(
        _("cookie domain"),
        max_length=253,
        blank=True,
        help_text=_(
            "For example shop.example: then the server of that site can read the"
            " cookie. Empty: the cookie stays on the short domain."
        ),
    )
    challenge = models.CharField(max_length=32, default=new_challenge, editable=False)
    verified_at = models.DateTimeField(_("verified"), null=True, editable=False)
    checked_at = models.DateTimeField(_("last checked"), null=True, editable=False)
    proof_lost_at = models.DateTimeField(
        _("record missing since"), null=True, editable=False
    )
    is_default = models.BooleanField(
        _("default for new links"),
        default=False,
        help_text=_("New links use this domain."),
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )

    objects = ShortDomainQuerySet.as_manager()

    class Meta:
        verbose_name = _("short domain")
        verbose_name_plural = _("short domains")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "host"],
                name="short_domain_host_per_account_unique",
                violation_error_message=_("The account already has this domain."),
            ),
            # Several accounts may claim a host, but only one can prove it.
            models.UniqueConstraint(
                fields=["host"],
                condition=Q(verified_at__isnull=False),
                name="short_domain_verified_host_unique",
                violation_error_message=_("This domain belongs to another account."),
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(is_default=True),
                name="short_domain_one_default",
                violation_error_message=_(
                    "Another domain is already the default for new links."
                ),
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
