"""All tables and columns, and whether they store something about a person.

A test fails until each table and column is listed here.
Both the export and the erasure of a person read this list.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Q

from shortlinks.models.chats import Chat
from shortlinks.models.consents import ConsentRecord
from shortlinks.models.contacts import Contact
from shortlinks.models.links import DailyVisits, ShortLink
from shortlinks.models.merges import (
    Merge,
    MergeChange,
    MergeCheck,
    MergeSuggestion,
    SeparatePair,
)
from shortlinks.models.notes import Note
from shortlinks.models.pixels import Pixel, PixelAttachment
from shortlinks.models.rollups import LinkLastOpen
from shortlinks.models.sites import Redemption
from shortlinks.models.visits import Visit
from shortlinks.models.webhooks import WebhookDelivery


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table with rows of contacts.

    `contacts` are the lookups from a row to its contact. `exported` are the columns
    that the person gets; `internal` ones contain nothing about the person, or something
    about another one. An erasure deletes the rows, unless `kept_because` has a reason.
    `indexed` and `order` let an index find the rows that are shown.
    """

    model: type[models.Model]
    contacts: tuple[str, ...]
    exported: tuple[str, ...]
    internal: tuple[str, ...] = ()
    kept_because: str = ""
    indexed: Q = field(default_factory=Q)
    order: tuple[str, ...] = ("pk",)

    @property
    def name(self) -> str:
        return str(self.model._meta.model_name)

    def rows_of(self, contacts: Collection[int]) -> "models.QuerySet[Any]":
        """Return the rows of these contacts, in no order."""
        of_contacts = [Q(**{f"{path}__in": list(contacts)}) for path in self.contacts]
        manager: models.Manager[Any] = self.model._default_manager
        return manager.filter(Q(*of_contacts, _connector=Q.OR))

    def exported_rows(self, contacts: Collection[int]) -> "models.QuerySet[Any]":
        """Return the rows that a person gets, in order, without unprocessed visits."""
        rows = self.rows_of(contacts).filter(self.indexed)
        return rows.order_by(*self.order).distinct()


# In the order in which an erasure deletes them. Visits come first, because workers lock
# them before they write notes or attach browsers. Other rows come before the rows that
# they refer to.
TABLES: Sequence[PersonalTable] = (
    PersonalTable(
        Visit,
        ("link__contact",),
        (
            *("occurred_at", "method", "user_agent", "accept_language", "referer"),
            *("sec_fetch", "purpose", "accepts_html", "address", "staff"),
            *("visit_count", "verdict", "reason", "overridden_at"),
        ),
        (
            *("id", "link", "visitor_hash", "pixel_sha256", "pixel_is_new"),
            *("is_mixed", "is_redacted", "due_at", "attempts", "last_error"),
            *("counted_day", "processed_at", "dead_lettered_at"),
        ),
        indexed=~Q(verdict=""),
        order=("link", "occurred_at", "pk"),
    ),
    PersonalTable(
        WebhookDelivery,
        ("contact",),
        ("event", "event_id", "payload_data", "state", "created_at", "delivered_at"),
        (
            *("id", "webhook", "contact", "subject_id", "attempts", "due_at"),
            *("claimed_at", "last_status", "last_error"),
        ),
    ),
    PersonalTable(
        MergeCheck,
        ("chat__contact", "attachment__contact"),
        (),
        ("id", "chat", "attachment", "withdrawn_visit", "attempts", "due_at"),
    ),
    PersonalTable(
        MergeSuggestion,
        ("one", "other"),
        ("rule", "state", "created_at", "decided_at"),
        ("id", "account", "one", "other", "evidence", "merge", "decided_by"),
    ),
    PersonalTable(
        SeparatePair,
        ("one", "other"),
        ("created_at",),
        ("id", "account", "one", "other", "created_by"),
    ),
    PersonalTable(
        MergeChange,
        ("contact", "merge__survivor", "merge__loser"),
        ("column", "edited_at"),
        ("id", "merge", "contact", "before", "after"),
    ),
    PersonalTable(
        Merge,
        ("survivor", "loser"),
        ("rule", "state", "created_at", "undone_at"),
        (
            *("id", "account", "survivor", "loser", "evidence", "key"),
            *("created_by", "undone_by"),
        ),
    ),
    PersonalTable(
        Redemption,
        ("contact",),
        ("visitor_uid", "redeemed_at", "gesture_at"),
        (
            *("visit_id", "account", "contact", "previous_cookie_sha256"),
            *("is_same_browser", "idempotency_key", "due_at"),
        ),
    ),
    PersonalTable(
        Chat,
        ("contact",),
        (
            *("source", "external_id", "title", "visitor_uid"),
            *("created_at", "updated_at"),
        ),
        ("id", "account", "contact", "created_by"),
    ),
    PersonalTable(
        Note,
        ("contact",),
        (
            *("note_type", "text", "url", "opens", "reason", "period"),
            *("created_at", "updated_at"),
        ),
        ("id", "account", "contact", "link", "created_by"),
    ),
    PersonalTable(
        ConsentRecord,
        ("contact",),
        (
            *("consent", "source", "text_version", "given_at", "channel"),
            "recorded_at",
        ),
        ("id", "contact", "recorded_by"),
    ),
    PersonalTable(
        PixelAttachment,
        ("contact",),
        ("evidence", "is_returning", "review", "first_seen_at", "last_seen_at"),
        ("id", "pixel", "contact"),
    ),
    PersonalTable(
        Pixel,
        ("pixelattachment__contact",),
        ("visitor_uid", "created_at", "last_seen_at", "shared_since"),
        ("id", "account", "cookie_sha256"),
        kept_because="if other contacts opened links in it; otherwise it is deleted",
    ),
    PersonalTable(
        DailyVisits,
        ("link__contact",),
        ("day", "verdict", "visits"),
        ("link",),
        kept_because="as counts, which belong to nobody without the contact",
    ),
    PersonalTable(
        LinkLastOpen,
        ("link__contact",),
        ("day",),
        ("link",),
        kept_because="as a count, which belongs to nobody without the contact",
    ),
    PersonalTable(
        ShortLink,
        ("contact",),
        ("url", "created_at", "disabled_at", "expires_at"),
        (
            *("id", "account", "contact", "code", "target", "url_sha256", "batch"),
            *("created_from", "changed_at"),
        ),
        kept_because="because it goes on redirecting; nothing is recorded",
    ),
    PersonalTable(
        Contact,
        ("pk",),
        (
            *("entity_id", "name", "first_name", "last_name", "tracking_consent"),
            *("is_anonymous", "created_at", "updated_at", "deleted_at"),
        ),
        (
            *("id", "account", "responsible_user", "group", "created_by"),
            *("updated_by", "is_deleted", "merged_into", "erased_at"),
        ),
        kept_because="without names, with a new id, because its links need it",
    ),
)
# Why the other tables are not in TABLES.
NOT_LISTED = {
    "Account": "settings of the operator's account",
    "AccountDailyVisits": "counts of an account",
    "AccountUsage": "counts of an account",
    "ApiToken": "of a user",
    "ConnectedSite": "of an account",
    "DailySalt": "random keys, deleted after 48 hours",
    "DailyVisitsDelta": "counts on their way to a rollup",
    "ErasedIdentity": "keyed hashes, by which erased persons do not come back",
    "Erasure": "receipts, with counts only",
    "FormSubmission": "encrypted with a key that only the user's browser has",
    "Group": "of an account",
    "Heartbeat": "of a process",
    "Import": "counts of a file",
    "ImportFile": "deleted when its rows have been read, which takes minutes",
    "ImportRow": "an erasure empties the rows with the person's id",
    "Integration": "of an account",
    "IntegrationSecret": "of an account",
    "OAuthFamily": "of a user",
    "OAuthGrant": "of a user",
    "PublishedNetworks": "published lists",
    "ReevaluationBatch": "ids of visits, deleted within seconds",
    "SecurityEvent": "of users",
    "ShortDomain": "of an account",
    "UrlDailyOpens": "counts of a URL in an account",
    "User": "of the operator's staff",
    "Watermark": "the position of a pass over all visits",
    "Webhook": "of an account",
}


def deleted_by_an_erasure() -> Iterator[PersonalTable]:
    return (table for table in TABLES if not table.kept_because)
