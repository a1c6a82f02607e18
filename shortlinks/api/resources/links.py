"""Short links and visits."""

from typing import Annotated, Literal

from msgspec import Struct

from shortlinks.api.resources.base import Resource, SelfLinks
from shortlinks.api.resources.field_types import (
    LINK,
    SOURCE_URL,
    AccountId,
    ContactId,
    LinkId,
    SourceUrl,
    Timestamp,
    choice,
    example,
    self_link,
    timestamp,
)
from shortlinks.models import Verdict


class LinkMetadata(Struct):
    entity_type: Literal["contacts"]
    entity_id: ContactId


class CreatedShortLink(Struct):
    url: Annotated[str, example("https://go.example.com/XXXXXXXXXXXX", format="uri")]
    account_id: AccountId
    metadata: LinkMetadata


class ShortLink(Resource, kw_only=True):
    id: LinkId
    url: Annotated[
        str, example(SOURCE_URL, "The URL as the integration sent it.", format="iri")
    ]
    account_id: AccountId
    metadata: LinkMetadata
    state: Annotated[str, choice(["live", "disabled", "expired"], "live")]
    opens: Annotated[int, example(1, "Opens by people.", minimum=0)]
    last_opened_at: Timestamp | None
    created_at: Annotated[int, timestamp(1_794_990_000)]
    disabled_at: Timestamp | None
    expires_at: Annotated[int, timestamp(1_826_000_000)] | None
    links: Annotated[SelfLinks, self_link(f"/api/v4/short_links/{LINK}")]


class Visit(Resource, kw_only=True):
    id: Annotated[str, example("019a8f6e-2f4d-7c31-9c0e-5b1f6a1d2c3e", format="uuid")]
    link_id: LinkId
    url: SourceUrl
    occurred_at: Timestamp
    verdict: Annotated[str, choice(Verdict.values, Verdict.PERSON)]
    reason: Annotated[str, example("browser", "The reason for the verdict.")]
    method: Annotated[str, choice(["GET", "HEAD"], "GET")]
    user_agent: Annotated[str, example("Mozilla/5.0 (Windows NT 10.0; Win64; x64)")]
    referer: Annotated[str, example("")]
    address: (
        Annotated[str, example("192.0.2.0", "Masked by the account's settings.")] | None
    )
