"""Short links: one live link for a contact and a url."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from shortlinks.models.accounts import Account
from shortlinks.models.contacts import Contact


class ShortLink(models.Model):
    """`url` is what managers see, `target` where the browser goes (security §3.1)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    code = models.CharField(max_length=12, unique=True, db_collation="C")
    url = models.CharField("source url", max_length=2048)
    target = models.TextField(editable=False)
    url_sha256 = models.BinaryField(max_length=32, editable=False)
    batch = models.UUIDField(
        default=uuid.uuid4,
        editable=False,
        help_text="The request that made it: scanners open whole batches.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_from = models.GenericIPAddressField(
        null=True,
        editable=False,
        help_text="Masked like a visit's: whoever ordered a link may try it.",
    )
    disabled_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was last disabled or prolonged."
    )

    class Meta:
        constraints = [
            # By hash: a Cyrillic url of 2,048 characters does not fit an index row.
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
        """The source url: a short link's own address is nobody's to read."""
        return self.url

    def is_live(self, now: datetime) -> bool:
        """Whether it redirects; one that does not answers like an unknown one."""
        has_expired = self.expires_at is not None and self.expires_at <= now
        return self.disabled_at is None and not has_expired


class DailyVisits(models.Model):
    """How often a link was visited on a day of its account, by verdict."""

    pk = models.CompositePrimaryKey("link_id", "day", "verdict")
    link = models.ForeignKey(ShortLink, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    verdict = models.CharField(max_length=8)
    visits = models.PositiveIntegerField()

    class Meta:
        # Without the count: it changes often, and a change need not touch the index.
        indexes = [models.Index(fields=["day"], name="daily_visits_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.verdict}: {self.visits}"
