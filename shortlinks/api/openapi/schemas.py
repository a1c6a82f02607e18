"""JSON Schemas that carry an example each; what is made of parts makes its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shortlinks.api.filters import LATEST
from shortlinks.api.parsing import MAX_ID

Json = dict[str, Any]
Components = dict[str, Json]
NO_NUL = r"^[^\u0000]*$"  # what Postgres stores no text with


@dataclass(frozen=True, slots=True)
class Schema:
    """`keywords` are JSON Schema's own; a `name` makes it a component."""

    keywords: Json
    example: Any
    properties: "Mapping[str, Schema]" = field(default_factory=dict)
    items: "Schema | None" = None
    either: "Sequence[Schema]" = ()
    rest: "Schema | None" = None
    name: str = ""

    def published(self, components: Components) -> Json:
        """The schema as the document shows it; what has a name goes to `components`."""
        if not self.name:
            return self._whole(components)
        if self.name not in components:
            components[self.name] = self._whole(components)
        return {"$ref": f"#/components/schemas/{self.name}"}

    def _whole(self, components: Components) -> Json:
        shown = dict(self.keywords)
        if self.properties:
            parts = self.properties.items()
            shown["properties"] = {k: part.published(components) for k, part in parts}
        elif self.items is not None:
            shown["items"] = self.items.published(components)
        elif self.either:
            shown["oneOf"] = [part.published(components) for part in self.either]
        elif self.rest is not None:
            shown["additionalProperties"] = self.rest.published(components)
        elif "const" not in shown and self.example is not None:
            shown["examples"] = [self.example]
        return shown


def content(schema: Schema, components: Components) -> Json:
    return {"schema": schema.published(components), "example": schema.example}


def text(example: str, **keywords: Any) -> Schema:
    return Schema({"type": "string", **keywords}, example)


def integer(example: int, **keywords: Any) -> Schema:
    return Schema({"type": "integer", **keywords}, example)


def id_(example: int, **keywords: Any) -> Schema:
    limits = {"minimum": 1, "maximum": MAX_ID, "format": "int64"}
    return integer(example, **{**limits, **keywords})


def id_or_0(example: int) -> Schema:
    return id_(example, minimum=0, description="0 is nobody.")


def timestamp(example: int = 1_795_000_000) -> Schema:
    return integer(example, minimum=0, maximum=LATEST, description="Unix seconds.")


def boolean(*, example: bool, **keywords: Any) -> Schema:
    return Schema({"type": "boolean", **keywords}, example)


def choice(values: Sequence[str], example: str, **keywords: Any) -> Schema:
    return text(example, enum=list(values), **keywords)


def const(value: Any) -> Schema:
    return Schema({"const": value}, value)


def nullable(schema: Schema) -> Schema:
    """The schema or null."""
    keywords = {**schema.keywords, "type": [schema.keywords["type"], "null"]}
    if "enum" in keywords:
        keywords["enum"] = [*keywords["enum"], None]
    return replace(schema, keywords=keywords)


def array(items: Schema, **keywords: Any) -> Schema:
    return Schema({"type": "array", **keywords}, [items.example], items=items)


def object_(properties: Mapping[str, Schema], optional: Sequence[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    keywords = {"type": "object", **({"required": required} if required else {})}
    example = {name: part.example for name, part in properties.items()}
    return Schema(keywords, example, properties)


def named(name: str, schema: Schema) -> Schema:
    return replace(schema, name=name)


def extended(
    schema: Schema, more: Mapping[str, Schema], optional: Sequence[str] = ()
) -> Schema:
    """The record, without its name, and more properties."""
    return object_({**schema.properties, **more}, optional)


def one_or_many(items: Schema, *, most: int) -> Schema:
    """What counts as a batch of one, or a batch (specification)."""
    batch = array(items, minItems=1, maxItems=most)
    return Schema({}, batch.example, either=(batch, items))


def href(path: str) -> Schema:
    """A link with the scheme, host and port that the client used."""
    return object_({"href": text(f"https://links.example.com{path}", format="uri")})


def links(path: str) -> Schema:
    return object_({"self": href(path)})
