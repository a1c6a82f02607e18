"""JSON Schemas of requests and parameters, and references to those of resources."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shortlinks.api.resources import (
    accounts,
    contacts,
    errors,
    links,
    merges,
    notes,
    personal_data,
    pixels,
    webhooks,
)
from shortlinks.api.resources.fields import BASE_URL, MAX_TIMESTAMP
from shortlinks.domain.integers import MAX_ID

Json = dict[str, Any]
PREFIX = "#/components/schemas/"
MODULES = (
    accounts,
    contacts,
    errors,
    links,
    merges,
    notes,
    personal_data,
    pixels,
    webhooks,
)


def _resources() -> list[type[Struct]]:
    return [
        each
        for module in MODULES
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__ == module.__name__
    ]


_, COMPONENTS = msgspec.json.schema_components(
    _resources(), ref_template=f"{PREFIX}{{name}}"
)


def reference(resource: type[Struct]) -> Json:
    return {"$ref": f"{PREFIX}{resource.__name__}"}


def example(schema: Json) -> Any:
    """Return the schema's own example, or one made of the examples of its parts."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example(COMPONENTS[schema["$ref"].removeprefix(PREFIX)])
    if either := schema.get("oneOf") or schema.get("anyOf"):
        return example(either[0])
    if "properties" in schema:
        return {key: example(part) for key, part in schema["properties"].items()}
    if "items" in schema:
        return [example(schema["items"])]
    return schema.get("const", schema.get("enum", [None])[0])


def content(schema: Json) -> Json:
    return {"schema": schema, "example": example(schema)}


def text(value: str, **keywords: Any) -> Json:
    return {"type": "string", **keywords, "examples": [value]}


def integer(value: int, **keywords: Any) -> Json:
    return {"type": "integer", **keywords, "examples": [value]}


def id_(value: int, **keywords: Any) -> Json:
    limits = {"minimum": 1, "maximum": MAX_ID, "format": "int64"}
    return integer(value, **{**limits, **keywords})


def timestamp(value: int, **keywords: Any) -> Json:
    return integer(value, **{"minimum": 0, "maximum": MAX_TIMESTAMP, **keywords})


def boolean(*, value: bool, **keywords: Any) -> Json:
    return {"type": "boolean", **keywords, "examples": [value]}


def choice(values: Sequence[str], value: str, **keywords: Any) -> Json:
    return text(value, enum=list(values), **keywords)


def const(value: Any) -> Json:
    return {"const": value}


def nullable(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Json, **keywords: Any) -> Json:
    return {"type": "array", **keywords, "items": items}


def object_(properties: Mapping[str, Json], optional: Sequence[str] = ()) -> Json:
    required = [name for name in properties if name not in optional]
    keywords = {"required": required} if required else {}
    return {"type": "object", **keywords, "properties": dict(properties)}


def body(properties: Mapping[str, Json], optional: Sequence[str] = ()) -> Json:
    """Return the schema of a request's object, whose optional keys may be null."""
    nullables = {name: nullable(properties[name]) for name in optional}
    return object_({**properties, **nullables}, optional)


def request_id(value: str, description: str) -> Json:
    """Return the schema of an item's own id. The response contains it as a string."""
    return {
        "anyOf": [text(value), {"type": "integer"}],
        "description": description,
    }


def one_or_many(items: Json, *, maximum: int) -> Json:
    """Return the schema of a batch; a single object counts as a batch of one."""
    return {"oneOf": [array(items, minItems=1, maxItems=maximum), items]}


def href(path: str) -> Json:
    """Return the schema of a link, as `resources.fields.Link` with its own example."""
    return object_({"href": text(f"{BASE_URL}{path}", format="uri")})


def batch(name: str, resource: type[Struct], path: str) -> Json:
    """Return the schema of the response to a batch."""
    embedded = {name: array(reference(resource), minItems=1)}
    links = object_({"self": href(path)})
    return object_({"_links": links, "_embedded": object_(embedded)})
