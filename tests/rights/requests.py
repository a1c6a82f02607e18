"""Requests of one caller about one contact, and what they wrote."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from shortlinks.models import (
    Chat,
    ConsentRecord,
    Contact,
    Merge,
    MergeSuggestion,
    Note,
    PixelAttachment,
    SeparatePair,
    ShortLink,
)

# Rows that belong to contacts.
MODELS = (
    Chat,
    ConsentRecord,
    Contact,
    Merge,
    MergeSuggestion,
    Note,
    PixelAttachment,
    SeparatePair,
    ShortLink,
)
TABLES = "|".join(model._meta.db_table for model in MODELS)
# All but those that remember requests.
ALL_TABLES = r"shortlinks_(?!formsubmission|securityevent)\w+"


@contextmanager
def undone(tables: str = TABLES) -> Iterator[list[str]]:
    """Undo what the block writes, and list the tables to which it wrote."""
    write = re.compile(rf'\s*(?:INSERT INTO|UPDATE|DELETE FROM) "?({tables})\b')
    written: list[str] = []

    def record(execute: Any, sql: Any, *arguments: Any) -> Any:
        written.extend(match[1] for match in [write.match(str(sql))] if match)
        return execute(sql, *arguments)

    with transaction.atomic(), connection.execute_wrapper(record):
        yield written
        transaction.set_rollback(True)


def fill(node: Any, values: Mapping[str, Any]) -> Any:
    """Replace each "$name" in a body by its value."""
    if isinstance(node, dict):
        return {key: fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(each, values) for each in node]
    is_name = isinstance(node, str) and node.startswith("$")
    return values[node[1:]] if is_name else node
