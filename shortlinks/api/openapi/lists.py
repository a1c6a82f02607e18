"""Parameters and answers of lists, from the tables that the views themselves read."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from shortlinks.api import hal
from shortlinks.api.filters import (
    LATEST,
    MAX_ID,
    MAX_TEXT_LENGTH,
    MAX_VALUES,
    Filter,
    ListQuery,
)
from shortlinks.api.openapi.operations import SuccessResponse, parameter
from shortlinks.api.openapi.schemas import (
    NO_NUL,
    Json,
    Schema,
    array,
    choice,
    href,
    integer,
    object_,
    text,
)


def parameters(query: ListQuery, *, most: int = hal.MAX_LIMIT) -> list[Json]:
    """`page`, `limit`, `query`, each `filter[…]` and each `order[…]` of a list."""
    limit = integer(
        hal.DEFAULT_LIMIT, minimum=1, maximum=most, default=hal.DEFAULT_LIMIT
    )
    page = integer(1, minimum=1, maximum=hal.MAX_PAGE, default=1)
    return [
        parameter("page", page),
        parameter("limit", limit),
        *_search(query),
        *(p for name, each in query.filters.items() for p in _filter(name, each)),
        *(parameter(f"order[{name}]", _DIRECTION) for name in query.orders),
    ]


def answer(
    name: str, items: Schema, path: str, more: Mapping[str, Schema] | None = None
) -> SuccessResponse:
    """A page of items, or 204."""
    links = {
        "self": href(f"{path}?page=1&limit=50"),
        "next": href(f"{path}?page=2&limit=50"),
    }
    page = {
        "_page": integer(1, minimum=1),
        "_links": object_(links, optional=("next",)),
        "_embedded": object_({name: array(items, minItems=1)}),
        **(more or {}),
    }
    return SuccessResponse(
        "A page. `next` is absent on the last one.",
        object_(page),
        without_body={204: "The list, or this page of it, is empty."},
    )


_DIRECTION = choice(["asc", "desc"], "desc")


def _search(query: ListQuery) -> Iterator[Json]:
    if query.search_fields:
        columns = ", ".join(query.search_fields)
        described = f"Part of: {columns}."
        yield parameter("query", text("Anna", pattern=NO_NUL, description=described))


def _filter(name: str, known: Filter) -> Iterator[Json]:
    if known.kind == "time":
        for part in ("", "[from]", "[to]"):
            yield parameter(f"filter[{name}]{part}", _moment(part))
        return
    value = _value(known)
    one = {**value.keywords, "description": f"One; several by `filter[{name}][]`."}
    yield parameter(f"filter[{name}]", replace(value, keywords=one))
    yield parameter(f"filter[{name}][]", array(value, maxItems=MAX_VALUES))


def _moment(part: str) -> Schema:
    words = {"": "From then on.", "[from]": "Since then.", "[to]": "Until then."}
    described = f"Unix seconds. {words[part]}"
    return integer(1_795_000_000, minimum=0, maximum=LATEST, description=described)


def _value(known: Filter) -> Schema:
    if known.kind in {"ids", "contacts"}:
        return integer(11070881, minimum=0, maximum=MAX_ID, format="int64")
    if known.kind == "choices":
        return choice(known.choices, known.choices[0])
    return text("https://shop.example/sale", maxLength=MAX_TEXT_LENGTH, pattern=NO_NUL)
