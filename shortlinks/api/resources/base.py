"""The parts that all resources share."""

from typing import Annotated

from msgspec import Struct

from shortlinks.api.resources.field_types import BASE_URL, example


class Link(Struct):
    """A URL with the scheme, host and port that the client used."""

    href: Annotated[str, example(f"{BASE_URL}/api/v4", format="uri")]


class SelfLinks(Struct, rename={"resource": "self"}):
    resource: Link


class Resource(Struct, rename={"links": "_links", "embedded": "_embedded"}):
    """The base of resources; HAL's own properties start with an underscore."""
