"""Locks of contacts with all that are merged into them, in one order.

Merges lock the same rows in the same order, so that no deadlock occurs.
"""

from collections.abc import Callable, Mapping

from django.db import transaction

from shortlinks.models import Contact

MAX_ATTEMPTS = 10  # while others merge the contacts


def lock_roots(find_roots: Callable[[], Mapping[int, int]]) -> dict[int, Contact]:
    """Lock the roots of `find_roots` until the transaction ends; return them by key.

    If the contacts were merged meanwhile, release the locks and find the roots again.
    Raises RuntimeError if this happens every time.
    """
    for _ in range(MAX_ATTEMPTS):
        with transaction.atomic():
            roots = find_roots()
            people = Contact.objects.with_root(set(roots.values()))
            rows = people.order_by("pk").select_for_update(of=("self",))
            locked = {row.pk: row for row in rows}
            present = set(people.values_list("pk", flat=True))
            if present == locked.keys() >= set(roots.values()):
                return {key: locked[pk] for key, pk in roots.items()}
            transaction.set_rollback(True)
    raise RuntimeError("the contacts are merged all the time")
