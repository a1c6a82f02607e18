"""Undo merges and close suggestions if an open is no longer a person's.

A decision rests on all earlier opens of its contact's links in its browser. The
evidence names only some of them, so the others are found by contact and browser.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from shortlinks.domain.merging import evidence, facts, merges, suggestions, undoing
from shortlinks.models import (
    AttachmentReview,
    Contact,
    Merge,
    MergeState,
    MergeSuggestion,
    Pixel,
    PixelAttachment,
    Redemption,
    SuggestionState,
    Verdict,
    Visit,
)

logger = logging.getLogger(__name__)

Row = TypeVar("Row", Merge, MergeSuggestion)

MAX_ROWS = 500  # of merges, and of suggestions: the newest
MAX_BROWSERS = 50  # that are compared by all cookies that they had


def withdraw(visit_id: UUID) -> None:
    """Undo the rules' merges and close the suggestions that rest on this visit.

    Merges by users remain, and those in a browser that a user confirmed. Other evidence
    may remain, so the rules decide again.
    """
    visits = Visit.objects.select_related("link__contact__merged_into")
    visit = visits.filter(pk=visit_id).first()
    if visit is None or visit.verdict == Verdict.PERSON:
        return
    lock = merges.lock_account(visit.link.account_id)
    withdrawn = _Withdrawn.of(visit)
    for merge in _resting_merges(withdrawn):
        if not evidence.is_confirmed(merge.evidence, merge.survivor):
            undoing.withdraw(lock, merge)
    for suggestion in _resting_suggestions(withdrawn):
        suggestions.withdraw(suggestion)


@dataclass(frozen=True, slots=True)
class _Withdrawn:
    """A visit that is no longer an open, and the `people` whose link it was.

    `redemption` is that of its click, if any.
    """

    visit: Visit
    account_id: int
    people: Collection[int]
    redemption: Redemption | None

    @classmethod
    def of(cls, visit: Visit) -> Self:
        people = Contact.objects.same_person(visit.link.contact)
        return cls(
            visit,
            visit.link.account_id,
            list(people.values_list("pk", flat=True)),
            Redemption.objects.filter(pk=visit.pk).first(),
        )

    def decided_by(self, of_people: Q, browsers: Collection[int]) -> Q:
        """Match the later decisions for which the visit may have been evidence.

        A click that a page redeemed may also have connected the page with the browser
        of other people's opens.
        """
        later = Q(created_at__gte=self.visit.occurred_at)
        found = later & of_people & Q(evidence__pixel_id__in=browsers)
        if (page := self._connected_page()) is not None:
            found |= later & evidence.is_in_browser(page)
        return found | evidence.rests_on(self.visit.pk)

    def browsers_among(self, named: Iterable[int | None]) -> set[int]:
        """Return those of the named browsers in which the visit took place."""
        pixels = self._pixels().filter(pk__in={id_ for id_ in named if id_ is not None})
        same = Q(cookie_sha256=self.visit.pixel_sha256)
        if self.redemption is not None:
            same |= Q(visitor_uid=self.redemption.visitor_uid)
        found = set(pixels.filter(same).values_list("pk", flat=True))
        others = pixels.exclude(pk__in=found).order_by("-pk")[:MAX_BROWSERS]
        return found | {each.pk for each in others if self._has_cookie(each)}

    def _has_cookie(self, pixel: Pixel) -> bool:
        return bytes(self.visit.pixel_sha256 or b"") in facts.load_cookies(pixel)

    def _connected_page(self) -> int | None:
        click = self.redemption
        if click is None or click.previous_cookie_sha256 is None:
            return None
        pages = self._pixels().filter(visitor_uid=click.visitor_uid)
        return pages.values_list("pk", flat=True).first()

    def _pixels(self) -> "QuerySet[Pixel]":
        return Pixel.objects.filter(account=self.account_id)


def _resting_merges(withdrawn: _Withdrawn) -> list[Merge]:
    by_rules = Merge.objects.filter(
        account=withdrawn.account_id, state=MergeState.APPLIED, created_by=None
    )
    of_people = Q(survivor__in=withdrawn.people)
    browsers = withdrawn.browsers_among(_pixel_ids(by_rules.filter(of_people)))
    confirmed = PixelAttachment.objects.filter(
        contact__in=withdrawn.people,
        pixel__in=browsers,
        review=AttachmentReview.CONFIRMED,
    )
    browsers -= set(confirmed.values_list("pixel", flat=True))
    return _newest(by_rules.filter(withdrawn.decided_by(of_people, browsers)))


def _resting_suggestions(withdrawn: _Withdrawn) -> list[MergeSuggestion]:
    open_suggestions = MergeSuggestion.objects.filter(
        account=withdrawn.account_id, state=SuggestionState.OPEN
    )
    of_people = Q(one__in=withdrawn.people) | Q(other__in=withdrawn.people)
    browsers = withdrawn.browsers_among(_pixel_ids(open_suggestions.filter(of_people)))
    return _newest(open_suggestions.filter(withdrawn.decided_by(of_people, browsers)))


def _pixel_ids(rows: "QuerySet[Row]") -> Iterable[int | None]:
    return rows.order_by().values_list("evidence__pixel_id", flat=True).distinct()


def _newest(rows: "QuerySet[Row]") -> list[Row]:
    found = list(rows.order_by("-pk")[: MAX_ROWS + 1])
    if len(found) > MAX_ROWS:
        logger.error("more than %d decisions rest on a withdrawn visit", MAX_ROWS)
    return found[:MAX_ROWS]
