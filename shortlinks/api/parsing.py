"""Reading bodies: bytes to items, with every fault named (contract §2)."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from shortlinks.api.problems import FieldError, ItemErrors, Problem, ValidationFailed

T = TypeVar("T")

MAX_ITEMS = 250
MAX_ID = 2**63 - 1
NOT_A_CHOICE = "The value you selected is not a valid choice."


def read_json(request: Request) -> object:
    """The body as JSON; 413, 415 or 400 says why there is none."""
    return decode_json(request._request)


def decode_json(request: HttpRequest) -> object:
    """The same of Django's own request."""
    check_length(request)
    media_type = request.content_type
    if media_type and not (
        media_type == "application/json" or media_type.endswith("+json")
    ):
        raise Problem(415, "The body must be JSON (Content-Type: application/json).")
    body = request.body
    if not body.strip():
        raise Problem(400, "The body is empty.")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise Problem(400, "The body is not valid JSON.") from None


def read_object(request: Request) -> dict[str, Any]:
    """The body as one object; or 400."""
    body = read_json(request)
    if not isinstance(body, dict):
        raise Problem(400, "The body must be an object.")
    return body


def check_length(request: Request | HttpRequest) -> None:
    if _length(request) > settings.API_MAX_BODY_BYTES:
        mebibytes = settings.API_MAX_BODY_BYTES // 1024**2
        raise Problem(413, f"The body is larger than {mebibytes} MB.")


def _length(request: Request | HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Problem(400, "Content-Length is not a number.") from None


class FieldReader:
    """An object of a body. Each reader returns a value or notes a fault."""

    def __init__(self, value: dict[str, Any], path: str = "") -> None:
        self._value = value
        self._path = path
        self.errors: list[FieldError] = []

    def add_error(self, code: str, field: str, detail: str) -> None:
        self.errors.append(FieldError(code, f"{self._path}{field}", detail))

    def request_id(self, index: int) -> str:
        """The item's own id, else its index, as the string by which clients match."""
        value = self._value.get("request_id")
        if value is None:
            return str(index)
        if type(value) in {str, int}:
            return str(value)
        self.add_error(
            "InvalidType", "request_id", "This value should be of type string."
        )
        return str(index)

    def text(self, field: str, *, required: bool = False, longest: int = 2048) -> str:
        value = self._get(field, str, "string", required=required)
        if value is None:
            return ""
        if len(value) > longest:
            self.add_error(
                "TooLong", field, f"This value is too long: {longest} at most."
            )
        elif "\0" in value:
            self.add_error("InvalidType", field, "This value has a NUL character.")
        return str(value)

    def changed_text(self, field: str, *, longest: int = 2048) -> str | None:
        """None if the field is not there, and so stays what it is."""
        is_there = self._value.get(field) is not None
        return self.text(field, longest=longest) if is_there else None

    def changed_choice(self, field: str, choices: Sequence[str]) -> str | None:
        is_there = self._value.get(field) is not None
        return self.choice(field, choices) if is_there else None

    def flag(self, field: str) -> bool | None:
        value = self._get(field, bool, "bool", required=False)
        return None if value is None else bool(value)

    def has(self, field: str) -> bool:
        return field in self._value

    def choice(self, field: str, choices: Sequence[str]) -> str:
        value = self._get(field, str, "string", required=True)
        if value is not None and value not in choices:
            self.add_error("NotSupportedChoice", field, NOT_A_CHOICE)
        return value or ""

    def id(
        self,
        field: str,
        *,
        required: bool = False,
        least: int = 1,
        most: int = MAX_ID,
    ) -> int | None:
        """A JSON integer from 1 within 64 bits; "5", 5.0 and true are none."""
        value = self._get(field, int, "int", required=required)
        if value is None:
            return None
        if not least <= value <= most:
            self.add_error("InvalidType", field, "This value should be of type int.")
            return None
        return int(value)

    def ids(self, field: str, *, count: int) -> list[int]:
        """So many different ids, as a list."""
        values = self._get(field, list, "array", required=True) or []
        are_ids = all(type(v) is int and 1 <= v <= MAX_ID for v in values)
        if self._value.get(field) is not None and not (
            are_ids and len(set(values)) == len(values) == count
        ):
            detail = f"This value should be an array of {count} different ids."
            self.add_error("InvalidType", field, detail)
            return []
        return list(values)

    def choices(self, field: str, choices: Sequence[str]) -> list[str]:
        """A list that names one or more of the choices."""
        values = self._get(field, list, "array", required=True)
        if values is None:
            return []
        if not values or any(value not in choices for value in values):
            self.add_error("NotSupportedChoice", field, NOT_A_CHOICE)
        return sorted(set(map(str, values)))

    def section(self, field: str) -> "FieldReader":
        value = self._get(field, dict, "object", required=True)
        section = FieldReader(value or {}, f"{self._path}{field}.")
        # faults of the section are the item's; what is missing has none of its own
        section.errors = self.errors if value is not None else []
        return section

    def _get(self, field: str, kind: type, name: str, *, required: bool) -> Any:
        if field not in self._value:
            if required:
                self.add_error("FieldMissing", field, "This field is missing.")
            return None
        value = self._value[field]
        if value is None and not required:
            return None
        if type(value) is not kind:
            self.add_error(
                "InvalidType", field, f"This value should be of type {name}."
            )
            return None
        return value


def read_items(
    body: object, read: Callable[[FieldReader], T | None]
) -> list[tuple[str, T]]:
    """The body's items with their request ids; all faults of all items, or none.

    `read` returns None only where it has noted a fault. A single object counts as a
    batch of one (specification: «по одной или пакетно»).
    """
    items: list[tuple[str, T]] = []
    faults: list[ItemErrors] = []
    for index, value in enumerate(_values(body)):
        item = FieldReader(value if isinstance(value, dict) else {})
        request_id = item.request_id(index)
        result = read(item)
        if not isinstance(value, dict):
            detail = "This value should be of type object."
            item.errors = [FieldError("InvalidType", "", detail)]
        if item.errors:
            faults.append(ItemErrors(request_id, item.errors))
        elif result is not None:
            items.append((request_id, result))
    if faults:
        raise ValidationFailed(faults)
    return items


def _values(body: object) -> list[object]:
    values = [body] if isinstance(body, dict) else body
    if not isinstance(values, list):
        raise Problem(400, "The body must be a list of objects or one object.")
    if not values:
        raise Problem(400, "The list is empty.")
    if len(values) > MAX_ITEMS:
        raise _too_many(len(values))
    return values


def _too_many(count: int) -> ValidationFailed:
    detail = f"Too many items: {count}, the limit is {MAX_ITEMS} in one request."
    fault = FieldError("TooMany", "", detail)
    return ValidationFailed([ItemErrors(str(MAX_ITEMS), [fault])], detail)


class BufferedRequestBody:
    """WSGI: reads a request's body before anybody answers it.

    Django reads by Content-Length, which a body in chunks has not. And an answer that
    overtakes its request's body costs the client its connection: servers close what
    was not read. What is longer than the limit is not read on; the view answers 413.
    """

    def __init__(self, application: Callable[..., Any], *, longest: int) -> None:
        self._application = application
        self._longest = longest

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        length = environ.get("CONTENT_LENGTH") or "0"
        if is_chunked or (length.isdecimal() and 0 < int(length) <= self._longest):
            body = environ["wsgi.input"].read(self._longest + 1)
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return self._application(environ, start_response)
