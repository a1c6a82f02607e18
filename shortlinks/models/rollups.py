"""Sums of `DailyVisits`, so that a period is told without reading every link (ADR 28).

Kept by `domain/sums.py` and two functions of the database; rows of `DailyVisits` are
the truth, and each change of one leaves a `CountChange` by a trigger, whoever made it.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from shortlinks.models.accounts import Account
from shortlinks.models.links import ShortLink


class DailyVisitsDelta(models.Model):
    """What one statement changed in `DailyVisits`, not yet summed."""

    links = ArrayField(models.BigIntegerField())
    days = ArrayField(models.DateField())
    verdicts = ArrayField(models.TextField())
    visits = ArrayField(models.IntegerField())
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{len(self.links)} counts"


class AccountDailyVisits(models.Model):
    """The visits of all links of an account on one of its days, by verdict."""

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
    # One of those that lead there; the url stands in its row.
    link = models.ForeignKey(
        ShortLink, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )

    def __str__(self) -> str:
        return f"{self.day}: {self.opens}"


class LinkLastOpen(models.Model):
    """Day on which a person last opened a link."""

    # No constraint: to check it would lock each link's row.
    link = models.OneToOneField(
        ShortLink, on_delete=models.CASCADE, primary_key=True, db_constraint=False
    )
    day = models.DateField(null=True)

    def __str__(self) -> str:
        return str(self.day)
