"""Types of fields, with an example each, and the base of resources."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from shortlinks import models
from shortlinks.domain.integers import MAX_ID

MAX_TIMESTAMP = 253_402_300_799  # the last second of the year 9999
# Ids of the examples. The path and the body of an example have the same ids.
ACCOUNT, USER, CONTACT, OTHER_CONTACT = 123, 504141, 11070881, 11070899
LINK, NOTE, PIXEL, CHAT = 7042564, 7422564, 7000311, 7000412
WEBHOOK, MERGE, SUGGESTION = 7000512, 7000513, 7000614
ERASURE, CONSENT = 7000715, 7000816
VISITOR_UID = "mzxw6ytboi4dsmbqgeztinjwg4"
SOURCE_URL = "https://www.yandex.ru"
NO_NUL = r"^[^\u0000]*$"  # Postgres stores no text with NUL
BASE_URL = "https://links.example.com"


def example(value: Any, description: str | None = None, **keywords: Any) -> Meta:
    """Return an example, with further keywords of JSON Schema."""
    return Meta(
        examples=[value], description=description, extra_json_schema=keywords or None
    )


def id_(value: int, description: str | None = None, *, minimum: int = 1) -> Meta:
    limits = {"minimum": minimum, "maximum": MAX_ID, "format": "int64"}
    return example(value, description, **limits)


def id_or_0(value: int) -> Meta:
    return id_(value, "0 means none.", minimum=0)


def timestamp(value: int = 1_795_000_000) -> Meta:
    return example(value, "Unix seconds.", minimum=0, maximum=MAX_TIMESTAMP)


def choice(choices: Sequence[str], value: str, description: str | None = None) -> Meta:
    return example(value, description, enum=list(choices))


def self_link(path: str) -> Meta:
    return example({"self": {"href": f"{BASE_URL}{path}"}})


AccountId = Annotated[int, id_(ACCOUNT)]
ContactId = Annotated[int, id_(CONTACT)]
UserId = Annotated[int, id_(USER)]
UserIdOr0 = Annotated[int, id_or_0(USER)]
IdOr0 = Annotated[int, id_or_0(0)]
LinkId = Annotated[int, id_(LINK)]
Timestamp = Annotated[int, timestamp()]
SourceUrl = Annotated[str, example(SOURCE_URL)]
RequestId = Annotated[str, example("0", "The item's own, or else its index.")]
Certainty = Annotated[
    str, choice(models.Certainty.values, "certain", "How certain the verdict is.")
]
Reason = Annotated[str, example("browser", "The reason for the verdict, a key.")]
Explanation = Annotated[
    str, example("Opened in a browser.", "The reason in the user's language.")
]
Empty = Annotated[list[Any], Meta(max_length=0, examples=[[]])]
ExampleFalse = Annotated[bool, example(value=False)]
ExampleTrue = Annotated[bool, example(value=True)]
VisitorUid = Annotated[
    str, example(VISITOR_UID, "The browser's id.", pattern="^[a-z2-7]{26}$")
]


class Link(Struct):
    """A URL with the scheme, host and port that the client used."""

    href: Annotated[str, example(f"{BASE_URL}/api/v4", format="uri")]


class SelfLinks(Struct, rename={"resource": "self"}):
    resource: Link


class Resource(Struct, rename={"links": "_links", "embedded": "_embedded"}):
    """The base of resources; HAL's own properties start with an underscore."""
