"""The address of Postgres, for connections that are not Django's."""

from django.conf import settings
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
