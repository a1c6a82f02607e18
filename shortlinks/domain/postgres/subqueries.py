"""Complete queries with their parameters, as parts of larger statements."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

PLACEHOLDER = re.compile("%[s%]")


class Subquery(NamedTuple):
    """A query that another package may put into a CTE without reading it.

    The names of its parameters start with the name of the query.
    """

    sql: str
    params: Mapping[str, Any]


def name_placeholders(sql: str, names: list[str]) -> str:
    """Replace each `%s` by `%(name)s`, in order."""
    remaining = iter(names)
    return PLACEHOLDER.sub(
        lambda found: f"%({next(remaining)})s" if found[0] == "%s" else found[0], sql
    )
