"""Merges of contacts, what waits for a person's word, and what must stay apart."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from shortlinks.models.accounts import Account, User
from shortlinks.models.chats import Chat
from shortlinks.models.contacts import Contact
from shortlinks.models.pixels import PixelAttachment


class MergeRule(models.TextChoices):
    """The rule of `docs/merge-rules.md` that a merge or suggestion follows."""

    CHAT = "R3", "a chat in the contact's browser"
    KNOWN_CHAT = "R4", "a known contact's chat in the browser of another"
    OPENED = "R5", "one browser opened links of both"
    SHARED = "R6", "a chat in a browser of several contacts"
    FORWARDED = "R7", "the link may have been forwarded"
    MANY = "R8", "too many merges in a day"
    MANUAL = "manual", "by hand"


class MergeState(models.TextChoices):
    APPLIED = "applied", "applied"
    UNDONE = "undone", "undone"


class Merge(models.Model):
    """That `loser` became one with `survivor`, and why: the audit's row (pixel R13)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    rule = models.CharField(max_length=6, choices=MergeRule.choices)
    survivor = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    loser = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    evidence = models.JSONField(default=dict)
    state = models.CharField(
        max_length=7, choices=MergeState.choices, default=MergeState.APPLIED
    )
    key = models.BinaryField(
        max_length=32, help_text="Of the event: none makes two merges."
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    undone_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "key"], name="merge_key_unique"),
            models.UniqueConstraint(
                fields=["loser"], name="merge_by_loser", condition=Q(state="applied")
            ),
            models.CheckConstraint(
                name="merge_of_two_contacts", condition=~Q(survivor=F("loser"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loser} → {self.survivor}"


class MergeChange(models.Model):
    """One column of one contact that a merge wrote; undoing restores `before`."""

    merge = models.ForeignKey(Merge, on_delete=models.CASCADE, related_name="items")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    column = models.CharField(max_length=32)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"{self.contact_id}.{self.column}"


class Pair(models.Model):
    """Two contacts, the smaller id first: a pair has no order."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    one = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.one} + {self.other}"


class SuggestionState(models.TextChoices):
    OPEN = "open", "open"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"


class MergeSuggestion(Pair):
    """Two contacts that may be one person: a person decides (pixel R4 to R8)."""

    rule = models.CharField(max_length=6, choices=MergeRule.choices)
    evidence = models.JSONField(default=dict)
    state = models.CharField(
        max_length=8, choices=SuggestionState.choices, default=SuggestionState.OPEN
    )
    merge = models.ForeignKey(Merge, on_delete=models.SET_NULL, null=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["one", "other"],
                name="merge_suggestion_open_pair_unique",
                condition=Q(state="open"),
            ),
            models.CheckConstraint(
                name="merge_suggestion_pair_ordered", condition=Q(one__lt=F("other"))
            ),
        ]


class SeparatePair(Pair):
    """Not to be merged by any rule: a person said so, or undid it (pixel R12)."""

    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["one", "other"], name="separate_pair_unique"
            ),
            models.CheckConstraint(
                name="separate_pair_ordered", condition=Q(one__lt=F("other"))
            ),
        ]


class MergeCheck(models.Model):
    """A new attachment or chat that the rules have yet to look at; gone when done."""

    # Gone rows leave nothing to look at: whoever deletes them need not know of this.
    attachment = models.ForeignKey(
        PixelAttachment,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
    )
    chat = models.ForeignKey(
        Chat,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
    )
    attempts = models.PositiveSmallIntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="merge_check_due")]
        constraints = [
            models.CheckConstraint(
                name="merge_check_of_one_subject",
                condition=Q(attachment=None, chat__isnull=False)
                | Q(attachment__isnull=False, chat=None),
            )
        ]

    def __str__(self) -> str:
        return f"chat {self.chat_id}" if self.chat_id else f"{self.attachment_id}"
