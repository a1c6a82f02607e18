"""Parameters and responses of lists, from the `ListQuery` of each view."""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from shortlinks.api import hal
from shortlinks.api.filters import MAX_VALUES, Filter, ListQuery
from shortlinks.api.openapi.operations import SuccessResponse, parameter
from shortlinks.api.openapi.schemas import (
    Json,
    array,
    choice,
    href,
    integer,
    object_,
    reference,
    text,
    timestamp,
)
from shortlinks.api.resources.fields import CONTACT, MAX_TIMESTAMP, NO_NUL
from shortlinks.domain.integers import MAX_ID


def parameters(query: ListQuery, *, max_limit: int = hal.MAX_LIMIT) -> list[Json]:
    """Return `page`, `limit`, `query`, each `filter[…]` and each `order[…]`."""
    limit = integer(
        hal.DEFAULT_LIMIT,
        minimum=1,
        default=hal.DEFAULT_LIMIT,
        description=f"Rows of a page. A number above {max_limit} means {max_limit}.",
    )
    page = integer(1, minimum=1, maximum=hal.MAX_PAGE, default=1)
    return [
        parameter("page", page),
        parameter("limit", limit),
        *_search(query),
        *(p for name, each in query.filters.items() for p in _filter(name, each)),
        *(parameter(f"order[{name}]", _DIRECTION) for name in query.orders),
    ]


def with_parameter(names: Collection[str]) -> Json:
    """Return the parameter `with`, which adds parts to a resource."""
    listed = ", ".join(f"`{name}`" for name in names)
    described = f"What to add, separated by commas: {listed}. Others are ignored."
    return parameter("with", text(next(iter(names)), description=described))


def response(
    name: str,
    resource: type[Struct],
    path: str,
    more: Mapping[str, Json] | None = None,
) -> SuccessResponse:
    """Return the response with a page of resources, or 204."""
    links = {
        "self": href(f"{path}?page=1&limit=50"),
        "next": href(f"{path}?page=2&limit=50"),
        "first": href(f"{path}?page=1&limit=50"),
        "prev": href(f"{path}?page=1&limit=50"),
    }
    page = {
        "_page": integer(1, minimum=1),
        "_links": object_(links, optional=("next", "first", "prev")),
        "_embedded": object_({name: array(reference(resource), minItems=1)}),
        **(more or {}),
    }
    return SuccessResponse(
        "A page of the list. The last has no `next`, the first no `first` and `prev`.",
        object_(page),
        without_body={204: "The list or the page is empty."},
    )


_DIRECTION = choice(["asc", "desc"], "desc")


def _search(query: ListQuery) -> Iterator[Json]:
    if query.search_fields:
        columns = ", ".join(query.search_fields)
        described = f"A part of: {columns}."
        yield parameter("query", text("Anna", pattern=NO_NUL, description=described))


def _filter(name: str, filter_: Filter) -> Iterator[Json]:
    if filter_.kind == "time":
        for part, meaning in TIME_PARTS.items():
            described = f"Unix seconds. {meaning}"
            moment = timestamp(1_795_000_000, description=described)
            schema = moment if part else {**TIME_OR_PAIR, "description": described}
            yield parameter(f"filter[{name}]{part}", schema)
        return
    value = _value(filter_)
    several = f"One value. Send several as `filter[{name}][]`."
    yield parameter(f"filter[{name}]", {**value, "description": several})
    yield parameter(f"filter[{name}][]", array(value, maxItems=MAX_VALUES))


TIME_OR_PAIR = {
    "oneOf": [
        {"type": "integer", "minimum": 0, "maximum": MAX_TIMESTAMP},
        {"type": "string", "pattern": "^[0-9]{1,11},[0-9]{1,11}$"},
    ]
}
TIME_PARTS = {
    "": "Not earlier than this, or from and to with a comma.",
    "[from]": "Not earlier than this.",
    "[to]": "Not later than this.",
}


def _value(filter_: Filter) -> Json:
    if filter_.kind in {"ids", "contacts"}:
        return integer(CONTACT, minimum=0, maximum=MAX_ID, format="int64")
    if filter_.kind == "choices":
        return choice(filter_.choices, filter_.choices[0])
    return text("https://shop.example/sale", pattern=NO_NUL)
