"""Notes of contacts."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact
from shortlinks.models.links import ShortLink


class NoteType(models.TextChoices):
    LINK_FOLLOWED = "link_followed", _("link opened")
    COMMON = "common", _("text")
    SERVICE = "service_message", _("automatic")


class Note(models.Model):
    """A note. A constraint allows one `link_followed` note for each link and window."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.CASCADE, db_index=False
    )
    note_type = models.CharField(_("type"), max_length=16, choices=NoteType.choices)
    text = models.TextField(_("text"), blank=True)
    link = models.ForeignKey(
        ShortLink, on_delete=models.SET_NULL, null=True, editable=False, db_index=False
    )
    url = models.CharField(_("source URL"), max_length=2048, blank=True)
    opens = models.PositiveIntegerField(_("opens"), default=0, editable=False)
    reason = models.CharField(
        _("reason"),
        max_length=64,
        db_default="",
        editable=False,
        help_text="The most certain reason of the opens (`domain/reasons`).",
    )
    period = DateTimeRangeField(_("time of the opens"), null=True, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )
    updated_at = models.DateTimeField(
        _("updated"), default=timezone.now, editable=False
    )

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        indexes = [
            models.Index(
                fields=["contact", "created_at", "id"], name="note_by_contact"
            ),
            models.Index(
                "account",
                F("created_at").desc(),
                F("id").desc(),
                name="note_by_link",
                condition=Q(note_type=NoteType.LINK_FOLLOWED),
            ),
            models.Index(
                fields=["account", "created_at"],
                name="note_by_age",
                condition=~Q(note_type=NoteType.LINK_FOLLOWED),
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
                # Checked after each statement, which may change several windows.
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
