"""Notes on contacts; `link_followed` is written by the service alone."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Q
from django.utils import timezone

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact
from shortlinks.models.links import ShortLink


class NoteType(models.TextChoices):
    LINK_FOLLOWED = "link_followed", "link opened"
    COMMON = "common", "text"
    SERVICE = "service_message", "what the service did"


class Note(models.Model):
    """One note per link and window (DESIGN 9): the constraint forbids the second."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    note_type = models.CharField(max_length=16, choices=NoteType.choices)
    text = models.TextField(blank=True)
    link = models.ForeignKey(
        ShortLink, on_delete=models.SET_NULL, null=True, editable=False, db_index=False
    )
    url = models.CharField("source url", max_length=2048, blank=True)
    opens = models.PositiveIntegerField(default=0, editable=False)
    period = DateTimeRangeField(null=True, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(
                "account",
                F("created_at").desc(),
                F("id").desc(),
                name="note_by_link",
                condition=Q(note_type=NoteType.LINK_FOLLOWED),
            ),
            models.Index(
                fields=["id"],
                name="note_not_link_followed",
                condition=~Q(note_type=NoteType.LINK_FOLLOWED),
            ),
        ]
        constraints = [
            ExclusionConstraint(
                name="note_one_per_link_and_window",
                expressions=[
                    ("link", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                # Checked once a statement: one may move the borders of several.
                deferrable=Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(
                name="note_of_open_has_url_and_period",
                condition=~Q(note_type=NoteType.LINK_FOLLOWED)
                | Q(period__isnull=False, opens__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.url or self.text
