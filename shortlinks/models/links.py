"""Short links, one active link for each contact and URL."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account
from shortlinks.models.contacts import Contact


class ShortLink(models.Model):
    """A personal link. Managers see `url`; browsers are redirected to `target`."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.CASCADE
    )
    code = models.CharField(max_length=12, unique=True, db_collation="C")
    url = models.CharField(_("source URL"), max_length=2048)
    target = models.TextField(editable=False)
    url_sha256 = models.BinaryField(max_length=32, editable=False)
    batch = models.UUIDField(
        default=uuid.uuid4,
        editable=False,
        help_text="Request that created the link; scanners open whole batches.",
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )
    created_from = models.GenericIPAddressField(
        null=True,
        editable=False,
        help_text="Masked like a visit's address; used to recognize sender tests.",
    )
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    changed_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Last change that the link cache must get. Empty at first.",
    )

    class Meta:
        verbose_name = _("short link")
        verbose_name_plural = _("short links")
        constraints = [
            # A hash, because a Cyrillic URL of 2,048 characters exceeds an index row.
            models.UniqueConstraint(
                fields=["contact", "url_sha256"],
                condition=Q(disabled_at=None),
                name="short_link_active_per_contact_and_url",
            )
        ]
        indexes = [
            models.Index(
                fields=["changed_at"],
                name="short_link_changed",
                condition=Q(changed_at__isnull=False),
            ),
            models.Index(
                fields=["id"],
                name="short_link_disabled",
                condition=Q(disabled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """Return the source URL, because nobody may read the short link."""
        return self.url

    def is_live(self, now: datetime) -> bool:
        """Return whether the link redirects. Other links look unknown to visitors."""
        has_expired = self.expires_at is not None and self.expires_at <= now
        return self.disabled_at is None and not has_expired


class DailyVisits(models.Model):
    """The number of visits of a link on a day of its account, by verdict."""

    pk = models.CompositePrimaryKey("link_id", "day", "verdict")
    link = models.ForeignKey(ShortLink, on_delete=models.CASCADE, db_index=False)
    day = models.DateField(_("day"))
    verdict = models.CharField(_("verdict"), max_length=8)
    visits = models.PositiveIntegerField(_("visits"))

    class Meta:
        verbose_name = verbose_name_plural = _("visits by day")
        # Without the count, so that its changes do not write to the index.
        indexes = [models.Index(fields=["day"], name="daily_visits_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.verdict}: {self.visits}"
