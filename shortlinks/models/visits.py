"""Visits: the facts of each request, and what is left to do for it (DESIGN 4, 5)."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.models.links import ShortLink


class Verdict(models.TextChoices):
    """Who made a visit; only a person's writes a note (visits §2.3)."""

    PERSON = "person"
    PREVIEW = "preview"
    BOT = "bot"
    SCANNER = "scanner"
    PREFETCH = "prefetch"
    HEAD = "head"
    STAFF = "staff"
    SUSPECT = "suspect"


class VisitQuerySet(models.QuerySet["Visit"]):
    def dead_lettered(self) -> Self:
        return self.exclude(dead_lettered_at=None)


class Visit(models.Model):
    """One request for a link, as it came; partitioned by month of its id.

    The row is the outbox: `due_at` is when to follow it up next, empty when
    nothing is left. Written by `redirects/visit_log`, not through the ORM.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    link = models.ForeignKey(
        ShortLink, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    occurred_at = models.DateTimeField()
    method = models.CharField(max_length=4)
    user_agent = models.TextField()
    accept_language = models.TextField()
    referer = models.TextField(help_text="The host of the page with the link.")
    sec_fetch = models.TextField(help_text="Sec-Fetch-Site, -Mode, -Dest and -User.")
    purpose = models.TextField(help_text="Headers of a prefetch or preview.")
    address = models.GenericIPAddressField(null=True)
    visitor_hash = models.BinaryField(
        help_text="Keyed hash of whole address and agent."
    )
    pixel_sha256 = models.BinaryField(null=True)
    pixel_is_new = models.BooleanField()
    staff = models.CharField(
        max_length=32,
        db_default="",
        help_text="How the redirect knew a colleague: office, or user and an id.",
    )

    verdict = models.CharField(max_length=8, choices=Verdict.choices, db_default="")
    reason = models.CharField(max_length=64, db_default="")
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    last_error = models.TextField(db_default="")
    counted_day = models.DateField(
        null=True, help_text="The account's day in whose count it is."
    )
    processed_at = models.DateTimeField(null=True)
    dead_lettered_at = models.DateTimeField(null=True)
    overridden_at = models.DateTimeField(
        null=True, help_text="When an administrator gave it the verdict."
    )

    objects = VisitQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="visit_due_processed_or_dead_lettered",
                condition=Q(
                    due_at__isnull=False, processed_at=None, dead_lettered_at=None
                )
                | Q(due_at=None, processed_at__isnull=False, dead_lettered_at=None)
                | Q(due_at=None, processed_at=None, dead_lettered_at__isnull=False),
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="visit_due", condition=Q(due_at__isnull=False)
            ),
            # The rest holds what was concluded: the redirects' insert pays for none.
            models.Index(
                fields=["link", "occurred_at"],
                name="visit_by_link",
                condition=~Q(verdict=""),
            ),
            models.Index(
                fields=["visitor_hash", "occurred_at"],
                name="visit_by_visitor_hash",
                condition=~Q(verdict=""),
            ),
            models.Index(
                fields=["staff", "occurred_at"],
                name="visit_by_staff",
                condition=~Q(staff=""),
            ),
            models.Index(
                fields=["dead_lettered_at"],
                name="visit_dead_lettered",
                condition=Q(dead_lettered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.occurred_at):%Y-%m-%d %H:%M:%S}"


class ReevaluationBatch(models.Model):
    """Visits that were just judged and are to be looked at once more (ADR 13)."""

    visits = ArrayField(models.UUIDField())
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{len(self.visits)} visits"


class Heartbeat(models.Model):
    """When a worker last did what beat asked for."""

    name = models.CharField(max_length=64, primary_key=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.beat_at:%H:%M:%S}"


class Watermark(models.Model):
    """How far work that goes through all visits in their order has come."""

    name = models.CharField(max_length=64, primary_key=True)
    visit = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.name}: {self.visit}"


class DailySalt(models.Model):
    """The key of `Visit.visitor_hash` for one day; dropped 48 hours after it began."""

    day = models.DateField(primary_key=True)
    key = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return str(self.day)
