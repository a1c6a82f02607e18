"""Everything that is stored about a person, as JSON, in parts of bounded size."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.utils import timezone

from shortlinks.models import Contact, ImportRow, Merge, MergeChange, MergeState
from shortlinks.models.personal_data import TABLES

CHUNK_SIZE = 1000
LOG = "log"
LOG_COLUMNS = ("action_time", "action_flag", "object_repr")


class StoredRows(NamedTuple):
    """The person's rows of a table, and the columns to export."""

    name: str
    model: type[Model]
    columns: tuple[str, ...]
    rows: "QuerySet[Any]"


def tables(contact: Contact) -> Iterator[StoredRows]:
    people = Contact.objects.same_person(contact)
    pks = list(people.values_list("pk", flat=True))
    for table in TABLES:
        if table.exported:
            rows = table.exported_rows(pks)
            yield StoredRows(table.name, table.model, table.exported, rows)
    yield from _of_merges(pks)
    imported = ImportRow.objects.of_contacts(pks).order_by("pk")
    yield StoredRows("importrow", ImportRow, ("cells", "errors"), imported)
    yield StoredRows(LOG, LogEntry, LOG_COLUMNS, _log(pks))


def as_json(contact: Contact) -> Iterator[bytes]:
    """Yield one JSON object: a list of rows for each table."""
    yield b'{"exported_at":%d,"tables":{' % timezone.now().timestamp()
    for number, table in enumerate(tables(contact)):
        yield (b"," if number else b"") + b'"%s":[' % table.name.encode()
        separator = b""
        values = table.rows.values(*table.columns)
        for row in values.iterator(chunk_size=CHUNK_SIZE):
            yield separator + msgspec.json.encode(row, enc_hook=str)
            separator = b","
        yield b"]"
    yield b"}}"


def _of_merges(pks: list[int]) -> Iterator[StoredRows]:
    """Yield the evidence of merges, and the values that they changed.

    Undone merges are left out, because they were about two persons.
    """
    merges = Merge.objects.filter(
        survivor__in=pks, loser__in=pks, state=MergeState.APPLIED
    )
    yield StoredRows(
        "merge_evidence", Merge, ("created_at", "evidence"), merges.order_by("pk")
    )
    changes = MergeChange.objects.filter(merge__in=merges, contact__in=pks)
    columns = ("column", "before", "after")
    yield StoredRows(
        "earlier_values",
        MergeChange,
        columns,
        changes.exclude(column="merged_into_id").order_by("pk"),
    )


def _log(pks: list[int]) -> "QuerySet[LogEntry]":
    """Return what users did to the contact in the admin."""
    kind = ContentType.objects.get_for_model(Contact)
    entries = LogEntry.objects.filter(
        content_type=kind, object_id__in=[str(pk) for pk in pks]
    )
    return entries.order_by("pk")
