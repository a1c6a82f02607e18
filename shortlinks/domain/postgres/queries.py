"""Connection parameters, prepared and bulk queries, locks, deletions in batches."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from psycopg.conninfo import make_conninfo

Parameters = Mapping[str, Any] | Sequence[Any]


def conninfo(*, connect_timeout: int = 2, **parameters: str) -> str:
    """Return the parameters of Django's own connections; the timeout is in seconds."""
    database = settings.DATABASES["default"]
    return make_conninfo(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
        connect_timeout=connect_timeout,
        tcp_user_timeout=5000,  # milliseconds
        **{**settings.DATABASE_PARAMETERS, **parameters},
    )


def fetch_prepared(statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Run a statement that never changes, so that Postgres plans it once."""
    return _fetched(connection.prepared_cursor(), statement, parameters)  # type: ignore[attr-defined]


def fetch_bulk(statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Run a statement that is planned for each batch."""
    return _fetched(connection.bulk_cursor(), statement, parameters)  # type: ignore[attr-defined]


def _fetched(
    cursor: CursorWrapper, statement: str, parameters: Parameters
) -> list[tuple[Any, ...]]:
    with cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def fetch_dicts(statement: str, parameters: Parameters) -> list[dict[str, Any]]:
    """Return rows by column name, of a statement that runs rarely."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def lock_rows(rows: QuerySet[Any], *, no_key: bool = False) -> None:
    """Lock rows by their keys, in one order, until the transaction ends.

    With `no_key`, others may still insert rows that refer to these.
    """
    locked = rows.order_by("pk").select_for_update(of=("self",), no_key=no_key)
    list(locked.values_list("pk"))


def delete_batch(rows: QuerySet[Any], size: int) -> int:
    """Delete the first rows, in their order and at most `size`; return the count."""
    first = rows.values("pk")[:size]
    deleted, _ = rows.model.objects.filter(pk__in=first).delete()
    return int(deleted)
