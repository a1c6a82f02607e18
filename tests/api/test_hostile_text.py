"""Text that Postgres cannot store, and odd numbers, in requests to the API: never 500.

The requests are generated from the OpenAPI document, so new operations are included.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from shortlinks.api.openapi import schemas
from shortlinks.api.openapi.document import document, operations
from shortlinks.api.openapi.operations import PATH_PARAMETERS, Operation
from tests import factories, openapi_examples
from tests.conftest import Api

HOSTILE = {
    "nul": b"7\x007",
    "surrogate": "\ud800".encode("utf-8", "surrogatepass"),
    "invalid utf-8": b"\xff\xfe",
    "other digits": "٣".encode(),
    "too large": str(2**63).encode(),
    "long": b"9" * 5000,
}
VALUES: list[object] = ["a\0b", "\ud800", 2**63, 1e308, [[]]]


def quoted(text: bytes) -> str:
    return quote_from_bytes(text, safe="")


# --- the API ------------------------------------------------------------------


def path_of(operation: Operation, **replaced: str) -> str:
    path = operation.path
    for name, schema in PATH_PARAMETERS.items():
        value = replaced.get(name, str(schemas.example(schema)))
        path = path.replace(f"{{{name}}}", value)
    return path


def variants(value: Any, hostile: object) -> Iterator[Any]:
    """Return copies of a body, in each of which one value is hostile."""
    yield hostile
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: each} for each in variants(inner, hostile))
    if isinstance(value, list):
        for at, inner in enumerate(value):
            others = value[:at], value[at + 1 :]
            for each in variants(inner, hostile):
                yield [*others[0], each, *others[1]]


def requests_of(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return paths and options of requests with hostile text in every place."""
    path = path_of(operation)
    for text in HOSTILE.values():
        yield from (
            (path_of(operation, **{n: quoted(text)}), {}) for n in ids(operation)
        )
        yield from ((f"{path}?{n}={quoted(text)}", {}) for n in query_names(operation))
        for header in ("X-Context-User-ID", "X-Refresh-Token", "User-Agent"):
            yield path, {"headers": {header: text.decode("latin-1")}}
    for body in bodies(operation):
        yield path, {"data": json.dumps(body)}


def bodies(operation: Operation) -> Iterator[Any]:
    if operation.body is not None:
        for hostile in VALUES:
            yield from variants(schemas.example(operation.body), hostile)


def ids(operation: Operation) -> list[str]:
    return [name for name in PATH_PARAMETERS if f"{{{name}}}" in operation.path]


def query_names(operation: Operation) -> list[str]:
    described = [each["name"] for each in operation.parameters]
    return [*described, "page", "filter[id]", "with"]


@pytest.mark.parametrize("operation", operations(), ids=lambda each: each.id)
def test_operation_rejects_hostile_text(db: None, operation: Operation) -> None:
    api = Api(factories.token(openapi_examples.create_rows().admin))

    answers = [
        (path, options, api.send(operation.method, path, **json_type(options)))
        for path, options in requests_of(operation)
    ]

    assert len(answers) >= len(HOSTILE)
    failed = [
        (path, options, response.status_code)
        for path, options, response in answers
        if response.status_code >= 500 and not is_documented(operation, response)
    ]
    assert failed == []


def json_type(options: dict[str, Any]) -> dict[str, Any]:
    return {"content_type": "application/json", **options}


def is_documented(operation: Operation, response: Any) -> bool:
    """The exchange of a click that is not stored yet is 503."""
    described = document()["paths"][operation.path][operation.method.lower()]
    is_described = str(response.status_code) in described["responses"]
    return is_described and response.status_code == 503
