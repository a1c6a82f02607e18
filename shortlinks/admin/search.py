"""Search terms of a list as conditions that can use indexes."""

from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q
from django.utils.text import smart_split

from shortlinks.domain import integers
from shortlinks.models import Contact

MIN_NAME_LENGTH = 3  # shorter words have no trigram and would scan all names
NOTHING = Q(pk__in=[])


def matching(term: str, fields: tuple[str, ...]) -> Q:
    """Match rows that have every word or "quoted phrase" in one of the fields."""
    found = Q()
    for word in smart_split(term):
        text = word.strip("\"'")
        found &= reduce(or_, [_field_matches(field, text) for field in fields])
    return found


def _field_matches(field: str, text: str) -> Q:
    """Compare ids as numbers, and contact names by a subquery, to use indexes."""
    if field == "entity_id__exact":
        id_ = integers.from_text(text)
        return NOTHING if id_ is None else Q(entity_id=id_)
    if field == "contact__name":
        if len(text) < MIN_NAME_LENGTH:
            return NOTHING
        named = Contact.objects.filter(pk=OuterRef("contact"), name__icontains=text)
        return Q(Exists(named))
    return Q(**{field if field.endswith("__exact") else f"{field}__icontains": text})
