"""Remove a person's opens from the evidence of other people's merges.

After an undone merge, decisions about others in the same browser may still name opens
of this person.
"""

from collections.abc import Collection, Iterator

from shortlinks.domain.merging import evidence
from shortlinks.models import Merge, MergeSuggestion, PixelAttachment, Visit

OPEN_KEYS = ("url", "opened_at")


def forget_opens(contacts: Collection[int], size: int) -> int:
    """Change up to `size` rows that name opens of these contacts; return their count.

    The visits and the attachments must still exist.
    """
    changed = 0
    attached = PixelAttachment.objects.filter(contact__in=contacts)
    for pixel_id in attached.values_list("pixel", flat=True).distinct():
        for row in _decided_in(pixel_id):
            if changed < size and evidence.contacts_of(row.evidence) & set(contacts):
                _forget(row, contacts)
                changed += 1
    return changed


def _decided_in(pixel_id: int) -> Iterator[Merge | MergeSuggestion]:
    in_browser = evidence.is_in_browser(pixel_id)
    yield from Merge.objects.filter(in_browser)
    yield from MergeSuggestion.objects.filter(in_browser)


def _forget(row: Merge | MergeSuggestion, contacts: Collection[int]) -> None:
    named = row.evidence.get(evidence.VISITS, [])
    own = Visit.objects.filter(pk__in=named, link__contact__in=contacts)
    gone = {str(pk) for pk in own.values_list("pk", flat=True)}
    row.evidence = {
        **{k: value for k, value in row.evidence.items() if k not in OPEN_KEYS},
        evidence.VISITS: [id_ for id_ in named if id_ not in gone],
    }
    row.save(update_fields=["evidence"])
