"""Visits: the facts of each request, its verdict, and the remaining work."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.links import ShortLink


class Verdict(models.TextChoices):
    """The result of classifying a visit; only a person's visit writes a note."""

    PERSON = "person", _("person")
    PREVIEW = "preview", _("preview")
    BOT = "bot", _("bot")
    PREFETCH = "prefetch", _("prefetch")
    HEAD = "head", _("HEAD request")
    STAFF = "staff", _("staff")
    SUSPECT = "suspect", _("uncertain")


class Certainty(models.TextChoices):
    """The certainty of a verdict, which its reason determines (`domain/reasons`)."""

    CERTAIN = "certain", _("certain")
    LIKELY = "likely", _("likely")
    UNSURE = "unsure", _("unsure")


class VisitQuerySet(models.QuerySet["Visit"]):
    def dead_lettered(self) -> Self:
        return self.exclude(dead_lettered_at=None)


class Visit(models.Model):
    """One request for a link. The table is partitioned by the month in the ids.

    The row is the outbox: `due_at` is the time of the next attempt to process it, or
    None. Redirects insert rows without the ORM (`redirects/visit_writer.py`).
    """

    id = models.UUIDField(primary_key=True, editable=False)
    link = models.ForeignKey(
        ShortLink, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    occurred_at = models.DateTimeField(_("time"))
    method = models.CharField(_("method"), max_length=4)
    user_agent = models.TextField(_("user agent"))
    accept_language = models.TextField(_("browser languages"))
    referer = models.TextField(
        _("referrer"), help_text=_("Host of the page with the link.")
    )
    sec_fetch = models.TextField(
        _("Sec-Fetch headers"), help_text="Sec-Fetch-Site, -Mode, -Dest, -User"
    )
    purpose = models.TextField(_("prefetch headers"))
    accepts_html = models.BooleanField(
        _("asked for a page"),
        db_default=True,
        help_text=_("No if the Accept header does not contain text/html."),
    )
    address = models.GenericIPAddressField(_("IP address"), null=True)
    visitor_hash = models.BinaryField(
        help_text="Keyed hash of the full address and user agent."
    )
    pixel_sha256 = models.BinaryField(null=True)
    pixel_is_new = models.BooleanField()
    staff = models.CharField(
        _("staff"),
        max_length=32,
        db_default="",
        help_text=_(
            "How the visitor was recognized as staff: office, or user with an ID."
        ),
    )
    visit_count = models.PositiveIntegerField(
        _("visits"),
        db_default=1,
        help_text=_(
            "Number of visits that this entry stands for. Beyond a limit, visits of a"
            " link from one address are counted, not stored one by one."
        ),
    )
    is_mixed = models.BooleanField(
        db_default=False,
        help_text="Stands for visits of several visitors, and has the facts of none.",
    )

    is_redacted = models.BooleanField(
        db_default=False,
        help_text="The details were deleted, so the verdict cannot be repeated.",
    )

    verdict = models.CharField(
        _("verdict"), max_length=8, choices=Verdict.choices, db_default=""
    )
    reason = models.CharField(_("reason"), max_length=64, db_default="")
    due_at = models.DateTimeField(_("next attempt"), null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), db_default=0)
    last_error = models.TextField(_("last error"), db_default="")
    counted_day = models.DateField(
        null=True, help_text="Day of the account on which the visit is counted."
    )
    processed_at = models.DateTimeField(_("processed"), null=True)
    dead_lettered_at = models.DateTimeField(_("processing failed"), null=True)
    overridden_at = models.DateTimeField(
        _("verdict changed"),
        null=True,
        help_text=_("When an administrator changed the verdict."),
    )

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
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
            # The others skip almost all new visits, so that redirects insert fast.
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
    """Recently processed visits that are to be reevaluated (docs/adr/0013)."""

    visits = ArrayField(models.UUIDField())
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{len(self.visits)} visits"


class PublishedNetworks(models.Model):
    """The last good list of networks that an owner publishes (docs/adr/0035)."""

    owner = models.CharField(max_length=28, primary_key=True)
    networks = ArrayField(models.CharField(max_length=43), default=list)
    checked_at = models.DateTimeField()
    refreshed_at = models.DateTimeField(null=True)
    last_error = models.TextField(db_default="")

    def __str__(self) -> str:
        return f"{self.owner}: {len(self.networks)} networks"


class Heartbeat(models.Model):
    """The time at which a worker last processed a heartbeat task."""

    name = models.CharField(max_length=64, primary_key=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.beat_at:%H:%M:%S}"


class Watermark(models.Model):
    """The position of a pass over all visits."""

    name = models.CharField(max_length=64, primary_key=True)
    visit = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.name}: {self.visit}"


class DailySalt(models.Model):
    """The key of `Visit.visitor_hash` for one day; deleted after 48 hours."""

    day = models.DateField(primary_key=True)
    key = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return str(self.day)
