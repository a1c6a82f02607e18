"""Rollups of `DailyVisits`, so that reports need not read every link (docs/adr/0028).

A database trigger stores each change of `DailyVisits` as a `DailyVisitsDelta`, and
`domain/reports/rollups.py` adds these to the rollups.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account
from shortlinks.models.links import ShortLink


class DailyVisitsDelta(models.Model):
    """Changes of `DailyVisits` by one statement, not yet in the rollups."""

    links = ArrayField(models.BigIntegerField())
    days = ArrayField(models.DateField())
    verdicts = ArrayField(models.TextField())
    visits = ArrayField(models.IntegerField())
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{len(self.links)} counts"


class AccountDailyVisits(models.Model):
    """Daily count of an account's visits, by verdict."""

    pk = models.CompositePrimaryKey("account_id", "day", "verdict")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    verdict = models.CharField(max_length=8)
    visits = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day} {self.verdict}: {self.visits}"


class UrlDailyOpens(models.Model):
    """Daily count of person opens of one source URL in one account.

    `last_opened_links` counts the links whose latest open was on this day. Its sum from
    any day on is the number of links opened since that day.
    """

    pk = models.CompositePrimaryKey("account_id", "day", "url_sha256")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    url_sha256 = models.BinaryField(max_length=32)
    opens = models.IntegerField()
    last_opened_links = models.IntegerField()
    # Any link to the URL. The URL itself is stored only there.
    link = models.ForeignKey(
        ShortLink, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )

    def __str__(self) -> str:
        return f"{self.day}: {self.opens}"


class LinkLastOpen(models.Model):
    """Day on which a person last opened a link."""

    # No constraint, because its check would lock the row of each link.
    link = models.OneToOneField(
        ShortLink, on_delete=models.CASCADE, primary_key=True, db_constraint=False
    )
    day = models.DateField(_("day"), null=True)

    class Meta:
        verbose_name = verbose_name_plural = _("last opens")

    def __str__(self) -> str:
        return str(self.day)


class AccountUsage(models.Model):
    """Count of an account's contacts and links ever created, for its quotas.

    Rows with ids below `counted_to`, which all accounts share, are counted.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True)
    contacts = models.BigIntegerField(default=0)
    links = models.BigIntegerField(default=0)
    counted_to = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.contacts} contacts, {self.links} links"
