"""Read request bodies into items, and list all errors (docs/contract.md)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from shortlinks.api import content_encoding
from shortlinks.api.problems import Problem, ValidationFailed
from shortlinks.api.resources.errors import FieldError, ItemErrors
from shortlinks.domain import integers
from shortlinks.domain.integers import MAX_ID

T = TypeVar("T")

MAX_ITEMS = 250
NOT_A_CHOICE = "The value you selected is not a valid choice."
CHOICES = " Choose one of: {}."


def not_a_choice(path: str, choices: Iterable[object]) -> FieldError:
    """Return an error that lists the choices."""
    detail = NOT_A_CHOICE + CHOICES.format(", ".join(map(str, choices)))
    return FieldError("NotSupportedChoice", path, detail)


def read_json(request: Request) -> object:
    """Return the decoded JSON body, or raise 413, 415 or 400."""
    return decode_json(request._request)


def decode_json(request: HttpRequest) -> object:
    """Return the decoded JSON body of Django's own request."""
    check_length(request)
    media_type = request.content_type
    if media_type and not (
        media_type == "application/json" or media_type.endswith("+json")
    ):
        raise Problem(415, "The body must be JSON (Content-Type: application/json).")
    body = content_encoding.decoded_body(request)
    if not body.strip():
        raise Problem(400, "The body is empty. Send a JSON list or object.")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise Problem(400, "The body is not valid JSON.") from None


def read_object(request: Request) -> dict[str, Any]:
    """Return the body as one object, or raise 400."""
    body = read_json(request)
    if not isinstance(body, dict):
        raise Problem(400, "The body must be a JSON object.")
    return body


def check_length(request: Request | HttpRequest) -> None:
    if _length(request) > settings.API_MAX_BODY_BYTES:
        raise content_encoding.too_large()


def _length(request: Request | HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    length = integers.capped_from_text(text, minimum=0, maximum=MAX_ID)
    if length is None:
        raise Problem(400, "Content-Length is not a number.")
    return length


class FieldReader:
    """A reader of an object's fields. Each method returns a value or adds an error."""

    def __init__(self, value: dict[str, Any], path: str = "") -> None:
        self._value = value
        self._path = path
        self.errors: list[FieldError] = []

    def add_error(self, code: str, field: str, detail: str) -> None:
        self.errors.append(FieldError(code, f"{self._path}{field}", detail))

    def add_choice_error(self, field: str, choices: Iterable[object]) -> None:
        self.errors.append(not_a_choice(f"{self._path}{field}", choices))

    def request_id(self, index: int) -> str:
        """Return the item's own id, or its index. Clients compare it as a string."""
        value = self._value.get("request_id")
        if value is None:
            return str(index)
        if type(value) in {str, int}:
            return str(value)
        self.add_error(
            "InvalidType", "request_id", "This value should be of type string."
        )
        return str(index)

    def text(
        self, field: str, *, required: bool = False, max_length: int = 2048
    ) -> str:
        value = self._get(field, str, "string", required=required)
        if value is None:
            return ""
        if len(value) > max_length:
            self.add_error(
                "TooLong",
                field,
                f"This value is too long: at most {max_length} characters.",
            )
        elif "\0" in value:
            self.add_error(
                "InvalidType", field, "This value contains a NUL character. Remove it."
            )
        return str(value)

    def text_or_none(self, field: str, *, max_length: int = 2048) -> str | None:
        """Return None if the field is missing or null, which means no change."""
        is_present = self._value.get(field) is not None
        return self.text(field, max_length=max_length) if is_present else None

    def choice_or_none(self, field: str, choices: Sequence[str]) -> str | None:
        is_present = self._value.get(field) is not None
        return self.choice(field, choices) if is_present else None

    def flag(self, field: str) -> bool | None:
        value = self._get(field, bool, "bool", required=False)
        return None if value is None else bool(value)

    def has(self, field: str) -> bool:
        return field in self._value

    def choice(self, field: str, choices: Sequence[str]) -> str:
        value = self._get(field, str, "string", required=True)
        if value is not None and value not in choices:
            self.add_choice_error(field, choices)
        return value or ""

    def id(
        self,
        field: str,
        *,
        required: bool = False,
        minimum: int = 1,
        maximum: int = MAX_ID,
    ) -> int | None:
        value = self._get(field, int, "int", required=required)
        if value is None:
            return None
        id_ = integers.from_json(value, minimum=minimum, maximum=maximum)
        if id_ is None:
            detail = f"This value should be an integer from {minimum} to {maximum}."
            self.add_error("InvalidType", field, detail)
        return id_

    def ids(self, field: str, *, count: int) -> list[int]:
        """Return a list of exactly `count` different ids."""
        values = self._get(field, list, "array", required=True) or []
        are_ids = all(integers.from_json(v) is not None for v in values)
        if self._value.get(field) is not None and not (
            are_ids and len(set(values)) == len(values) == count
        ):
            detail = f"This value should be an array of {count} different ids."
            self.add_error("InvalidType", field, detail)
            return []
        return list(values)

    def choices(self, field: str, choices: Sequence[str]) -> list[str]:
        """Return a list of one or more of the choices."""
        values = self._get(field, list, "array", required=True)
        if values is None:
            return []
        if not values or any(value not in choices for value in values):
            self.add_choice_error(field, choices)
        return sorted(set(map(str, values)))

    def section(self, field: str) -> "FieldReader":
        value = self._get(field, dict, "object", required=True)
        section = FieldReader(value or {}, f"{self._path}{field}.")
        # errors of the section belong to the item, unless the section itself is missing
        section.errors = self.errors if value is not None else []
        return section

    def _get(self, field: str, type_: type, name: str, *, required: bool) -> Any:
        if field not in self._value:
            if required:
                self.add_error("FieldMissing", field, "This field is missing.")
            return None
        value = self._value[field]
        if value is None and not required:
            return None
        if type(value) is not type_:
            self.add_error(
                "InvalidType", field, f"This value should be of type {name}."
            )
            return None
        return value


def unavailable_contact(path: str, entity_id: int | None) -> FieldError:
    """Return an error that is the same for unknown contacts and invisible ones."""
    detail = f"{NOT_A_CHOICE} No contact with this id is available to you: {entity_id}."
    return FieldError("NotSupportedChoice", path, detail)


def read_items(
    body: object, read: Callable[[FieldReader], T | None]
) -> list[tuple[str, T]]:
    """Return the items with their request ids, or raise all errors of all items.

    `read` returns None only after it added an error. A single object counts as a batch
    of one, as the specification allows.
    """
    items: list[tuple[str, T]] = []
    errors: list[ItemErrors] = []
    for index, value in enumerate(_values(body)):
        item = FieldReader(value if isinstance(value, dict) else {})
        request_id = item.request_id(index)
        result = read(item)
        if not isinstance(value, dict):
            detail = "This value should be of type object."
            item.errors = [FieldError("InvalidType", "", detail)]
        if item.errors:
            errors.append(ItemErrors(request_id, item.errors))
        elif result is not None:
            items.append((request_id, result))
    if errors:
        raise ValidationFailed(errors)
    return items


def _values(body: object) -> list[object]:
    values = [body] if isinstance(body, dict) else body
    if not isinstance(values, list):
        raise Problem(400, "The body must be a list of objects or one object.")
    if not values:
        raise Problem(400, "The list is empty. Send at least one item.")
    if len(values) > MAX_ITEMS:
        raise _too_many(len(values))
    return values


def _too_many(count: int) -> ValidationFailed:
    detail = f"Too many items: {count}. Send at most {MAX_ITEMS} in one request."
    error = FieldError("TooMany", "", detail)
    return ValidationFailed([ItemErrors(str(MAX_ITEMS), [error])], detail)
