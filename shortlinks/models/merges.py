"""Merges of contacts, suggestions, separate pairs and waiting checks."""

from typing import Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, JSONObject, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User
from shortlinks.models.chats import Chat
from shortlinks.models.contacts import Contact
from shortlinks.models.pixels import PixelAttachment


class MergeRule(models.TextChoices):
    """The rule of `docs/merge-rules.md` that a merge or suggestion follows."""

    CHAT = "R3", _("chat in the contact's browser")
    KNOWN_CHAT = "R4", _("chat of a known contact in another contact's browser")
    OPENED = "R5", _("one browser opened links of both contacts")
    SEVERAL = "R6", _("chat in a browser of several contacts")
    FORWARDED = "R7", _("the link may have been forwarded")
    MANY = "R8", _("too many merges in one day")
    NOT_VERIFIED = "R9", _("not verified: only the link leads to this contact")
    SEPARATED = "R10", _("a user separated contacts of this browser")
    OTHER_ADDRESS = "R11", _("the site's page was opened from another address")
    UNPROCESSED = "R13", _("a click in this browser is not processed yet")
    MANUAL = "manual", _("manual")


class MergeFact(models.TextChoices):
    """A fact about a contact in a browser (`docs/merge-rules.md`)."""

    CONFIRMED = "confirmed", _("confirmed by a user")
    RETURNING = "returning", _("returning browser")
    DAYS_APART = "two_links_days_apart", _("two links, days apart")
    ONLY_BROWSER = "only_browser", _("only browser")
    REDEEMED = "redeemed_click", _("continued to a site")
    CHATTED = "chatted", _("chatted here")
    OTHER_ADDRESS = "other_address", _("other address")
    FORWARDED = "forwarded", _("perhaps forwarded")


class MergeState(models.TextChoices):
    APPLIED = "applied", _("applied")
    UNDONE = "undone", _("undone")


class Merge(models.Model):
    """A merge of `loser` into `survivor`, with its reason, kept as an audit log."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE
    )
    rule = models.CharField(_("rule"), max_length=6, choices=MergeRule.choices)
    survivor = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    loser = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    evidence = models.JSONField(default=dict)
    state = models.CharField(
        _("status"),
        max_length=7,
        choices=MergeState.choices,
        default=MergeState.APPLIED,
    )
    key = models.BinaryField(max_length=32, help_text="Idempotency key of the event.")
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    undone_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        indexes = [
            GinIndex(
                fields=["evidence"], name="merge_evidence", opclasses=["jsonb_path_ops"]
            )
        ]
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
    """A column of a contact that a merge changed. Undoing restores `before`.

    `edited_at` is when a user set the column after the merge, even to the same value.
    """

    merge = models.ForeignKey(Merge, on_delete=models.CASCADE, related_name="items")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    column = models.CharField(_("column"), max_length=32)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    edited_at = models.DateTimeField(_("edited"), null=True)

    class Meta:
        verbose_name = _("change by a merge")
        verbose_name_plural = _("changes by merges")

    def __str__(self) -> str:
        return f"{self.contact_id}.{self.column}"


class Pair(models.Model):
    """Two contacts, the smaller id first, because a pair has no order."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE
    )
    one = models.ForeignKey(
        Contact,
        verbose_name=_("first contact"),
        on_delete=models.CASCADE,
        related_name="+",
    )
    other = models.ForeignKey(
        Contact,
        verbose_name=_("second contact"),
        on_delete=models.CASCADE,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.one} + {self.other}"


class SuggestionState(models.TextChoices):
    OPEN = "open", _("open")
    ACCEPTED = "accepted", _("accepted")
    REJECTED = "rejected", _("rejected")
    CLOSED = "closed", _("closed: nobody needs to decide it")


class MergeSuggestionQuerySet(models.QuerySet["MergeSuggestion"]):
    def visible_to(self, user: User) -> Self:
        """Return the suggestions that the user may view.

        The user may view both contacts, or one of them if the other is anonymous. An
        anonymous contact has no responsible user.
        """
        visible = Contact.objects.visible_including_merged(user)
        one, other = Q(one__in=visible), Q(other__in=visible)
        anon_one, anon_other = Q(_is_anonymous("one")), Q(_is_anonymous("other"))
        may_view = one & other | one & anon_other | anon_one & other
        return self.filter(may_view, account=user.account_id)

    def with_chat(self) -> Self:
        """Annotate the latest chats of anonymous contacts: `one_chat`, `other_chat`."""
        return self.annotate(
            one_chat=_latest_chat("one"), other_chat=_latest_chat("other")
        )


def _is_anonymous(name: str) -> Exists:
    """Match a contact of the pair that is anonymous, or merged into such a contact."""
    root = Coalesce(OuterRef(f"{name}__merged_into"), OuterRef(name))
    return Exists(Contact.objects.filter(pk=root, is_anonymous=True, is_deleted=False))


def _latest_chat(name: str) -> Subquery:
    chats = Chat.objects.filter(contact=OuterRef(name), contact__is_anonymous=True)
    latest = chats.order_by("-updated_at", "-pk")
    shown = JSONObject(source="source", title="title")
    return Subquery(latest.values(shown=shown)[:1])


class MergeSuggestion(Pair):
    """Two contacts that may be the same person; a user decides."""

    rule = models.CharField(_("rule"), max_length=6, choices=MergeRule.choices)
    evidence = models.JSONField(default=dict)
    state = models.CharField(
        _("status"),
        max_length=8,
        choices=SuggestionState.choices,
        default=SuggestionState.OPEN,
    )
    merge = models.ForeignKey(Merge, on_delete=models.SET_NULL, null=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)

    objects = MergeSuggestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge suggestion")
        verbose_name_plural = _("merge suggestions")
        indexes = [
            GinIndex(
                fields=["evidence"],
                name="suggestion_evidence",
                opclasses=["jsonb_path_ops"],
            )
        ]
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
    """Two contacts that rules must not merge, because a user separated them."""

    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("not duplicates")
        verbose_name_plural = _("not duplicates")
        constraints = [
            models.UniqueConstraint(
                fields=["one", "other"], name="separate_pair_unique"
            ),
            models.CheckConstraint(
                name="separate_pair_ordered", condition=Q(one__lt=F("other"))
            ),
        ]


class MergeCheck(models.Model):
    """A new attachment or chat, or a withdrawn visit, that waits for the merge rules.

    A withdrawn visit is no longer a person's open, but merges may rest on it. The row
    is deleted after the rules were applied.
    """

    # No constraints, so that attachments and chats can be deleted without this row.
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
    withdrawn_visit = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="merge_check_due")]
        constraints = [
            models.CheckConstraint(
                name="merge_check_of_one_subject",
                condition=Q(attachment__isnull=False, chat=None, withdrawn_visit=None)
                | Q(attachment=None, chat__isnull=False, withdrawn_visit=None)
                | Q(attachment=None, chat=None, withdrawn_visit__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"chat {self.chat_id}" if self.chat_id else f"{self.attachment_id}"
