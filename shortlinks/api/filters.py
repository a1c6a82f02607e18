"""`filter[…]`, `order[…]` and `query` of lists (docs/contract.md).

An unknown filter is 400. If it were ignored, the client would take all rows for
filtered ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar, cast

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from shortlinks.api.problems import Problem
from shortlinks.api.resources.fields import MAX_TIMESTAMP
from shortlinks.domain import integers
from shortlinks.models import Contact, User

M = TypeVar("M", bound=Model)

# Values by "filter" or "order", then name, then second bracket.
ValuesByKey = dict[str, dict[str, dict[str, list[str]]]]
PAIR = ("from", "to")
# PHP also numbers the values of a list: `filter[id][0]`.
BRACKETS = re.compile(rf"(filter|order)\[(\w+)\](?:\[([0-9]*|{'|'.join(PAIR)})\])?")
MAX_VALUES = 250
MAX_TEXT_LENGTH = 2048
UNSUPPORTED = "{} is not supported by this list. See /api/docs."


@dataclass(frozen=True, slots=True)
class Filter:
    """One `filter[name]`: its lookup in the ORM, and the kind of its values."""

    lookup: str
    kind: Literal["ids", "texts", "names", "choices", "time", "contacts"]
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The filters and orders of a list. `orders` maps names to columns.

    `default` is the order without `order[…]`. Its last column is unique, so that no
    row is skipped or repeated between pages.
    """

    filters: Mapping[str, Filter]
    orders: Mapping[str, str]
    default: Sequence[str] = ("id",)
    search_fields: Sequence[str] = ()

    def apply(self, request: Request, rows: "QuerySet[M]") -> "QuerySet[M]":
        """Filter and order the rows by the request, or raise 400."""
        requested = self._values_of(request)
        for name, values in requested["filter"].items():
            if name not in self.filters:
                raise Problem(400, UNSUPPORTED.format(f"filter[{name}]"))
            filter_ = self.filters[name]
            if filter_.kind == "contacts":
                rows = rows.filter(_in_contacts(request, name, filter_, values))
            else:
                rows = rows.filter(_condition(name, filter_, values))
        rows = rows.filter(self._search(request))
        return rows.order_by(*self._order(requested["order"]))

    def _values_of(self, request: Request) -> ValuesByKey:
        requested: ValuesByKey = {"filter": {}, "order": {}}
        for key, values in request.query_params.lists():
            if match := BRACKETS.fullmatch(key):
                parameter, name, suffix = match.groups()
                part = suffix if suffix in PAIR else ""
                counted = values if self._takes_all(key) else values[-1:]
                parts = requested[parameter].setdefault(name, {})
                parts.setdefault(part, []).extend(counted)
            elif key.startswith(("filter", "order")):
                raise Problem(400, UNSUPPORTED.format(key[:50]))
        return requested

    def _takes_all(self, key: str) -> bool:
        """Return whether all values of a repeated key count, or only the last one.

        PHP keeps all values of a key that ends in `[]`. amocrm-sdk repeats `filter[id]`
        for several ids. amocrm-js repeats the keys of the first page in later ones.
        """
        filter_ = self.filters.get(key.removeprefix("filter[").removesuffix("]"))
        return key.endswith("[]") or (filter_ is not None and filter_.kind != "time")

    def _search(self, request: Request) -> Q:
        text = request.query_params.get("query", "").strip()
        if not text or not self.search_fields:
            return Q()
        _reject_nul("query", text)
        found = Q()
        for column in self.search_fields:
            found |= Q(**{f"{column}__icontains": text[:MAX_TEXT_LENGTH]})
        return found

    def _order(self, requested: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
        """Return the columns, with a unique one at the end. Clients combine orders."""
        columns: dict[str, str] = {}
        for name, values in requested.items():
            direction = values.get("", [""])[-1].lower()
            if name not in self.orders or direction not in {"asc", "desc"}:
                names = ", ".join(self.orders)
                detail = f"order must be one of {names}, with the value asc or desc."
                raise Problem(400, detail)
            columns[self.orders[name]] = "-" if direction == "desc" else ""
        if not columns:
            return list(self.default)
        columns.setdefault(self.default[-1].lstrip("-"), list(columns.values())[-1])
        return [f"{sign}{column}" for column, sign in columns.items()]


def _in_contacts(
    request: Request, name: str, filter_: Filter, parts: Mapping[str, list[str]]
) -> Q:
    """Match the contacts and all contacts that are merged with them."""
    ids = [_id(name, value) for value in _values(name, filter_, parts)]
    user = cast(User, request.user)
    contacts = Contact.objects.with_entity_ids(ids, user.account_id)
    return Q(**{f"{filter_.lookup}__in": contacts})


def _values(name: str, filter_: Filter, parts: Mapping[str, list[str]]) -> list[str]:
    """Return the distinct values."""
    texts = [text for value in parts.get("", []) for text in _split(filter_, value)]
    values = list(dict.fromkeys(texts))
    if parts.keys() - {""} or not 1 <= len(values) <= MAX_VALUES:
        raise Problem(400, f"filter[{name}] takes 1 to {MAX_VALUES} values.")
    return values


def _condition(name: str, filter_: Filter, parts: Mapping[str, list[str]]) -> Q:
    if filter_.kind == "time":
        return _time_range(name, filter_.lookup, parts)
    values = _values(name, filter_, parts)
    if filter_.kind == "ids":
        return Q(**{f"{filter_.lookup}__in": [_id(name, value) for value in values]})
    for value in values:
        _reject_nul(f"filter[{name}]", value)
        if filter_.kind == "choices" and value not in filter_.choices:
            choices = ", ".join(filter_.choices)
            raise Problem(400, f"filter[{name}] must be one of {choices}.")
    return Q(**{f"{filter_.lookup}__in": values})


def _split(filter_: Filter, value: str) -> list[str]:
    """Split ids and names, which clients may separate with commas."""
    return [value] if filter_.kind == "texts" else value.split(",")


def _time_range(name: str, lookup: str, parts: Mapping[str, list[str]]) -> Q:
    """Match from and to, both included. A single time means from, as in amoCRM."""
    moments = _moments(name, parts)
    condition = Q()
    if "from" in moments:
        condition &= Q(**{f"{lookup}__gte": moments["from"]})
    if "to" in moments:
        # rows have fractions of a second, responses have whole seconds
        upper = moments["to"].replace(microsecond=999_999)
        condition &= Q(**{f"{lookup}__lte": upper})
    return condition


def _moments(name: str, parts: Mapping[str, list[str]]) -> dict[str, datetime]:
    """Return from and to. amoCRM also documents them as a pair: `a,b`, or `a` and `b`.

    More values are 400, because one of them would be ignored.
    """
    plain = [text for value in parts.get("", []) for text in value.split(",")]
    texts = [*zip(PAIR, plain, strict=False)]
    texts += [(part, value) for part in PAIR for value in parts.get(part, [])]
    moments = {part: _moment(name, text) for part, text in texts}
    if len(moments) < len(texts) or len(plain) > len(PAIR):
        raise Problem(400, f"filter[{name}] takes one time from and one time to.")
    return moments


def _moment(name: str, text: str) -> datetime:
    seconds = integers.from_text(text, maximum=MAX_TIMESTAMP)
    if seconds is None:
        raise Problem(400, f"filter[{name}] must be Unix seconds, or two with a comma.")
    return datetime.fromtimestamp(seconds, UTC)


def _id(name: str, text: str) -> int:
    id_ = integers.from_text(text)
    if id_ is None:
        raise Problem(400, f"filter[{name}] must be an id.")
    return id_


def _reject_nul(name: str, text: str) -> None:
    if "\0" in text:
        raise Problem(400, f"{name} contains a NUL character. Remove it.")
