"""Primary keys that no other row ever gets, even after a loss of data."""

from datetime import UTC, datetime
from typing import TypeVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

IDS_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
COUNTER_BITS = 18

SetType = TypeVar("SetType")
GetType = TypeVar("GetType")


class TimeOrderedIdField(models.BigAutoField[SetType, GetType]):
    """A bigint below 2**53 that begins with its time (docs/adr/0039).

    A sequence would continue where a backup or an asynchronous replica ends, and repeat
    ids that caches, spools and clients still have. Later rows have larger ids.
    """

    def db_type_suffix(self, connection: BaseDatabaseWrapper) -> str:
        return "DEFAULT shortlinks_new_id()"


def first_id_at(moment: datetime) -> int:
    """Return the lowest id that a row can get from this moment on."""
    eighths = int((moment - IDS_BEGIN).total_seconds() * 8)
    return eighths << COUNTER_BITS
