"""What is typed above a list, as a condition that indexes can answer."""

from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q
from django.utils.text import smart_split

from shortlinks.models import Contact

MAX_ID = 2**63 - 1
SHORTEST_NAME = 3  # what has no trigram would be looked for in all names
NOTHING = Q(pk__in=[])


def matching(term: str, fields: tuple[str, ...]) -> Q:
    """Rows that have each word (or "each phrase") in one of these fields."""
    found = Q()
    for word in smart_split(term):
        text = word.strip("\"'")
        found &= reduce(or_, [_in(field, text) for field in fields])
    return found


def _in(field: str, text: str) -> Q:
    """Django would compare ids as texts, and join each row's contact before looking."""
    if field == "entity_id__exact":
        is_short = len(text) <= len(str(MAX_ID))
        is_id = text.isdecimal() and is_short and int(text) <= MAX_ID
        return Q(entity_id=int(text)) if is_id else NOTHING
    if field == "contact__name":
        if len(text) < SHORTEST_NAME:
            return NOTHING
        named = Contact.objects.filter(pk=OuterRef("contact"), name__icontains=text)
        return Q(Exists(named))
    return Q(**{field if field.endswith("__exact") else f"{field}__icontains": text})
