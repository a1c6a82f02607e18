"""What Django's connections to Postgres lack: their address, and prepared statements."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.conninfo import make_conninfo


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


def rows(
    statement: str, parameters: Mapping[str, Any] | Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Of a statement that is always the same: Postgres plans it once."""
    cursor: CursorWrapper = connection.prepared_cursor()  # type: ignore[attr-defined]
    with cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
