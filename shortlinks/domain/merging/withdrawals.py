"""Close what rested on an open that is no longer a person's."""

from uuid import UUID

from shortlinks.domain.merging import evidence, merges, suggestions, undoing
from shortlinks.models import (
    Merge,
    MergeState,
    MergeSuggestion,
    SuggestionState,
    Verdict,
    Visit,
)

MAX_ROWS = 100  # of merges, and of suggestions


def withdraw(visit_id: UUID) -> None:
    """Undo the rules' merges and close the suggestions that rest on this visit.

    Merges by users remain, and those in a browser that a user confirmed. Other evidence
    may remain, so the rules decide again.
    """
    visit = Visit.objects.filter(pk=visit_id).select_related("link").first()
    if visit is None or visit.verdict == Verdict.PERSON:
        return
    lock = merges.lock_account(visit.link.account_id)
    rests_on_visit = evidence.rests_on(visit_id)
    by_rules = Merge.objects.filter(
        rests_on_visit, account=lock.account, state=MergeState.APPLIED, created_by=None
    )
    for merge in by_rules.order_by("-pk")[:MAX_ROWS]:
        if not evidence.is_confirmed(merge.evidence, merge.survivor):
            undoing.withdraw(lock, merge)
    opened = MergeSuggestion.objects.filter(
        rests_on_visit, account=lock.account, state=SuggestionState.OPEN
    )
    for suggestion in opened.order_by("pk")[:MAX_ROWS]:
        suggestions.withdraw(suggestion)
