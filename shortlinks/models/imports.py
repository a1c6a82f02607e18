"""Imports: a table that somebody brought, row by row, and how far it has got (ADR 29).

The rows remember what is left to do; a message to the worker is only a doorbell.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from shortlinks.models.accounts import Account, User


class ImportKind(models.TextChoices):
    CONTACTS = "contacts", "contacts"
    USERS = "users", "users and permissions"


class ImportState(models.TextChoices):
    CHECKING = "checking", "the file is being checked"
    CHECKED = "checked", "waits for your word"
    STORING = "storing", "rows are being stored"
    FINISHED = "finished", "finished"
    CANCELLED = "cancelled", "cancelled"
    FAILED = "failed", "stopped by a fault"


# A worker is to go on with these.
IN_PROGRESS = (ImportState.CHECKING, ImportState.STORING)


class Import(models.Model):
    """A table on its way into the account.

    While it is checked the counts say what would be, afterwards what was. `due_at` is
    when somebody is to go on with it; who does has it leased until then.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    kind = models.CharField(max_length=8, choices=ImportKind.choices)
    state = models.CharField(
        max_length=9, choices=ImportState.choices, default=ImportState.CHECKING
    )
    name = models.CharField("file", max_length=250)
    started_by_cli = models.BooleanField(
        default=False, help_text="By the operator's command, with this user's rights."
    )
    total = models.PositiveIntegerField("rows", null=True)
    processed = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="import_kind_valid", condition=Q(kind__in=ImportKind.values)
            ),
            models.CheckConstraint(
                name="import_state_valid", condition=Q(state__in=ImportState.values)
            ),
            models.CheckConstraint(
                name="import_due_while_in_progress",
                condition=Q(state__in=IN_PROGRESS, due_at__isnull=False)
                | ~Q(state__in=IN_PROGRESS) & Q(due_at=None),
            ),
            models.CheckConstraint(
                name="import_counts_each_row_once",
                condition=Q(processed=F("created") + F("changed") + F("skipped")),
            ),
            models.CheckConstraint(
                name="import_processed_within_total",
                condition=Q(total=None) | Q(processed__lte=F("total")),
            ),
            models.CheckConstraint(
                name="import_failed_has_error",
                condition=Q(state=ImportState.FAILED) & ~Q(error="")
                | ~Q(state=ImportState.FAILED) & Q(error=""),
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="import_by_account"),
            models.Index(
                fields=["due_at"],
                name="import_due",
                condition=Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_in_progress(self) -> bool:
        return self.state in IN_PROGRESS


class ImportFile(models.Model):
    """What was uploaded, until its rows have been read."""

    import_run = models.OneToOneField(
        Import, on_delete=models.CASCADE, primary_key=True, related_name="file"
    )
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"{len(self.content)} bytes"


class ImportRow(models.Model):
    """One row of the table; those that have a fault outlive the import for a while."""

    import_run = models.ForeignKey(
        Import, on_delete=models.CASCADE, db_index=False, related_name="rows"
    )
    number = models.PositiveIntegerField(help_text="In the file.")
    cells = models.JSONField(help_text="Its cells, by column.")
    key = models.CharField(max_length=1000, help_text="May stand in one row alone.")
    existing_version = models.TextField(
        help_text="What the check found there; empty: nothing."
    )
    errors = ArrayField(models.TextField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_run", "number"], name="import_row_number"
            )
        ]
        indexes = [
            models.Index(
                fields=["import_run", "number"],
                name="import_row_with_errors",
                condition=~Q(errors=[]),
            )
        ]

    def __str__(self) -> str:
        return str(self.number)
