"""`filter[…]`, `order[…]` and `query` of lists (contract §4).

What a list does not know is 400: a filter that is passed over would answer with rows
that the client believes to be filtered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from shortlinks.api.problems import Problem
from shortlinks.models import Contact, User

M = TypeVar("M", bound=Model)

NAMED = re.compile(r"^(filter|order)\[(\w+)\]((?:\[\w*\])*)$")
MAX_VALUES = 250
MAX_ID = 2**63 - 1
LATEST = 253_402_300_799  # Unix seconds; the last that is a time
MAX_TEXT_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class Filter:
    """One `filter[name]`: which lookup it becomes, and what its values must be."""

    lookup: str
    kind: Literal["ids", "texts", "names", "choices", "time", "contacts"]
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What may be asked of a list; `orders` from name to column.

    `default` is the order of who asks for none; its last column makes pages whole.
    """

    filters: Mapping[str, Filter]
    orders: Mapping[str, str]
    default: Sequence[str] = ("id",)
    search_fields: Sequence[str] = ()

    def apply(self, request: Request, rows: "QuerySet[M]") -> "QuerySet[M]":
        """The rows that the request asks for, in the order it asks for; or 400."""
        given = _values_of(request)
        for name, values in given["filter"].items():
            if name not in self.filters:
                raise Problem(400, f"filter[{name}] is not supported here.")
            known = self.filters[name]
            if known.kind == "contacts":
                rows = rows.filter(_of_contacts(request, name, known, values))
            else:
                rows = rows.filter(_condition(name, known, values))
        rows = rows.filter(self._search(request))
        return rows.order_by(*self._order(given["order"]))

    def _search(self, request: Request) -> Q:
        text = request.query_params.get("query", "").strip()
        if not text or not self.search_fields:
            return Q()
        _reject_nul("query", text)
        found = Q()
        for column in self.search_fields:
            found |= Q(**{f"{column}__icontains": text[:MAX_TEXT_LENGTH]})
        return found

    def _order(self, given: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
        """Clients name several at once, one of which makes the order whole anyway."""
        columns: dict[str, str] = {}
        for name, values in given.items():
            direction = values.get("", [""])[-1].lower()
            if name not in self.orders or direction not in {"asc", "desc"}:
                names = ", ".join(self.orders)
                raise Problem(400, f"order must be one of {names}, each asc or desc.")
            columns[self.orders[name]] = "-" if direction == "desc" else ""
        if not columns:
            return list(self.default)
        columns.setdefault(self.default[-1].lstrip("-"), list(columns.values())[-1])
        return [f"{sign}{column}" for column, sign in columns.items()]


def _values_of(request: Request) -> dict[str, dict[str, dict[str, list[str]]]]:
    """By filter and order, then name, then what stands in a second bracket."""
    given: dict[str, dict[str, dict[str, list[str]]]] = {"filter": {}, "order": {}}
    for key, values in request.query_params.lists():
        if named := NAMED.match(key):
            kind, name, rest = named.groups()
            part = rest[1:-1] if rest[1:-1] in {"from", "to"} else ""
            given[kind].setdefault(name, {}).setdefault(part, []).extend(values)
        elif key.startswith(("filter", "order")):
            raise Problem(400, f"{key[:50]} is not supported here.")
    return given


def _of_contacts(
    request: Request, name: str, known: Filter, parts: Mapping[str, list[str]]
) -> Q:
    """With all that is one with them, in whatever row it is kept."""
    ids = [_id(name, value) for value in _values(name, known, parts)]
    user = cast(User, request.user)
    named = Contact.objects.with_entity_ids(ids, user.account_id)
    return Q(**{f"{known.lookup}__in": named})


def _values(name: str, known: Filter, parts: Mapping[str, list[str]]) -> list[str]:
    values = [part for value in parts.get("", []) for part in _parts(known, value)]
    if parts.keys() - {""} or not 1 <= len(values) <= MAX_VALUES:
        raise Problem(400, f"filter[{name}] takes 1 to {MAX_VALUES} values.")
    return values


def _condition(name: str, known: Filter, parts: Mapping[str, list[str]]) -> Q:
    if known.kind == "time":
        return _time_range(name, known.lookup, parts)
    values = _values(name, known, parts)
    if known.kind == "ids":
        return Q(**{f"{known.lookup}__in": [_id(name, value) for value in values]})
    for value in values:
        _reject_nul(f"filter[{name}]", value)
        if known.kind == "choices" and value not in known.choices:
            choices = ", ".join(known.choices)
            raise Problem(400, f"filter[{name}] must be one of {choices}.")
    return Q(**{f"{known.lookup}__in": values})


def _parts(known: Filter, value: str) -> list[str]:
    """Ids and names of kinds may come as a list with commas."""
    return [value] if known.kind == "texts" else value.split(",")


def _time_range(name: str, lookup: str, parts: Mapping[str, list[str]]) -> Q:
    """From and to, both included; a time alone is from when on, as the original's."""
    moments = {part: _moment(name, values[-1]) for part, values in parts.items()}
    if "" in moments:
        moments.setdefault("from", moments[""])
    condition = Q()
    if "from" in moments:
        condition &= Q(**{f"{lookup}__gte": moments["from"]})
    if "to" in moments:
        # rows have fractions of a second, clients see whole ones
        upper = moments["to"].replace(microsecond=999_999)
        condition &= Q(**{f"{lookup}__lte": upper})
    return condition


def _moment(name: str, text: str) -> datetime:
    return datetime.fromtimestamp(_number(name, text, LATEST, "Unix seconds"), UTC)


def _id(name: str, text: str) -> int:
    return _number(name, text, MAX_ID, "an id")


def _number(name: str, text: str, most: int, what: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    if not is_number or not 0 <= int(text) <= most:
        raise Problem(400, f"filter[{name}] must be {what}.")
    return int(text)


def _reject_nul(name: str, text: Any) -> None:
    if "\0" in text:
        raise Problem(400, f"{name} has a NUL character.")
