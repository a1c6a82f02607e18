"""What Django's connections to Postgres lack: their address, prepared statements."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.conninfo import make_conninfo

Parameters = Mapping[str, Any] | Sequence[Any]


def conninfo(*, connect_timeout: int = 2, **parameters: str) -> str:
    """Where Django's own connections go; seconds, and parameters of libpq."""
    database = settings.DATABASES["default"]
    return make_conninfo(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
        connect_timeout=connect_timeout,
        **{**settings.DATABASE_PARAMETERS, **parameters},
    )


def fetch_prepared(statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Of a statement that is always the same: Postgres plans it once."""
    return _fetched(connection.prepared_cursor(), statement, parameters)  # type: ignore[attr-defined]


def fetch_bulk(statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Of a statement for a whole batch, planned for it."""
    return _fetched(connection.bulk_cursor(), statement, parameters)  # type: ignore[attr-defined]


def _fetched(
    cursor: CursorWrapper, statement: str, parameters: Parameters
) -> list[tuple[Any, ...]]:
    with cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
