"""Imports of files, row by row, with their progress (docs/adr/0029).

The rows store the remaining work. A message to the worker only starts it earlier.
"""

from collections.abc import Collection
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact


class ImportKind(models.TextChoices):
    CONTACTS = "contacts", _("contacts")
    USERS = "users", _("users and permissions")


class ImportState(models.TextChoices):
    CHECKING = "checking", _("checking the file")
    CHECKED = "checked", _("waiting for confirmation")
    STORING = "storing", _("storing rows")
    FINISHED = "finished", _("finished")
    CANCELLED = "cancelled", _("canceled")
    FAILED = "failed", _("stopped by an error")


# A worker continues imports in these states.
IN_PROGRESS = (ImportState.CHECKING, ImportState.STORING)


class Import(models.Model):
    """A file that is imported into an account.

    The counts are a forecast until the import is confirmed, and results afterwards.
    `due_at` is when a worker continues it, or when the lease of its worker expires.
    `claimed_at` is when a worker last took it, so that accounts take turns.
    """

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    user = models.ForeignKey(
        User,
        verbose_name=_("user"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    kind = models.CharField(_("type"), max_length=8, choices=ImportKind.choices)
    state = models.CharField(
        _("status"),
        max_length=9,
        choices=ImportState.choices,
        default=ImportState.CHECKING,
    )
    name = models.CharField(_("file"), max_length=250)
    started_by_cli = models.BooleanField(
        default=False, help_text="Started by a command, with this user's permissions."
    )
    total = models.PositiveIntegerField(_("rows"), null=True)
    processed = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    ignored_columns = ArrayField(models.TextField(), default=list)
    ignored_sheets = ArrayField(models.TextField(), default=list)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    is_leased = models.BooleanField(default=False)
    claimed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
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
                name="import_leased_while_due",
                condition=Q(is_leased=False) | Q(due_at__isnull=False),
            ),
            models.CheckConstraint(
                name="import_counts_each_row_once",
                condition=Q(
                    processed=F("created")
                    + F("changed")
                    + F("unchanged")
                    + F("skipped")
                ),
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
            models.Index(fields=["account", "claimed_at"], name="import_by_turn"),
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

    @property
    def has_changes(self) -> bool:
        return self.created + self.changed > 0


class ImportFile(models.Model):
    """The uploaded file, until its rows have been read."""

    import_run = models.OneToOneField(
        Import, on_delete=models.CASCADE, primary_key=True, related_name="file"
    )
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"{len(self.content)} bytes"


class ImportRowQuerySet(models.QuerySet["ImportRow"]):
    def of_contacts(self, contacts: Collection[int]) -> Self:
        """Return the rows of all imports with the ids of these contacts."""
        rows = Contact.objects.filter(pk__in=contacts)
        accounts = {account for account, _ in rows.values_list("account", "pk")}
        keys = [str(id_) for id_ in rows.values_list("entity_id", flat=True)]
        return self.filter(
            Q(key__in=keys) | Q(cells__entity_id__in=keys),
            import_run__account__in=accounts,
            import_run__kind=ImportKind.CONTACTS,
        )


class ImportRow(models.Model):
    """A row of the file. Rows with errors are kept for a while after the import."""

    import_run = models.ForeignKey(
        Import, on_delete=models.CASCADE, db_index=False, related_name="rows"
    )
    number = models.PositiveIntegerField(help_text="Row number in the file.")
    cells = models.JSONField(help_text="Cells by column name.")
    key = models.CharField(max_length=1000, help_text="Unique within the import.")
    existing_version = models.TextField(
        help_text="Version that the check found; empty if there was none."
    )
    is_unchanged = models.BooleanField(
        default=False, help_text="The record has all of these values already."
    )
    errors = ArrayField(models.TextField())

    objects = ImportRowQuerySet.as_manager()

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
