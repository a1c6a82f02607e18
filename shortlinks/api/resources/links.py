"""Short links and visits."""

from typing import Annotated, Literal

from msgspec import Struct

from shortlinks.api.resources import fields
from shortlinks.models import Verdict


class LinkMetadata(Struct):
    entity_type: Literal["contacts"]
    entity_id: fields.ContactId


class CreatedShortLink(Struct):
    url: Annotated[
        str, fields.example("https://go.example.com/XXXXXXXXXXXX", format="uri")
    ]
    account_id: fields.AccountId
    metadata: LinkMetadata


class ShortLink(fields.Resource, kw_only=True):
    id: fields.LinkId
    url: Annotated[
        str,
        # browsers accept more than an IRI, such as "|"
        fields.example(fields.SOURCE_URL, "The URL as the integration sent it."),
    ]
    account_id: fields.AccountId
    metadata: LinkMetadata
    state: Annotated[str, fields.choice(["live", "disabled", "expired"], "live")]
    opens: Annotated[int, fields.example(1, "Opens by people.", minimum=0)]
    last_opened_at: fields.Timestamp | None
    created_at: Annotated[int, fields.timestamp(1_794_990_000)]
    disabled_at: fields.Timestamp | None
    expires_at: Annotated[int, fields.timestamp(1_826_000_000)] | None
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/short_links/{fields.LINK}")
    ]


class Visit(fields.Resource, kw_only=True):
    id: Annotated[
        str, fields.example("019a8f6e-2f4d-7c31-9c0e-5b1f6a1d2c3e", format="uuid")
    ]
    link_id: fields.LinkId
    url: fields.SourceUrl
    occurred_at: fields.Timestamp
    visit_count: Annotated[
        int,
        fields.example(
            1,
            "Visits that this entry stands for. Many visits from one address are"
            " counted, not stored one by one.",
            minimum=1,
        ),
    ]
    verdict: Annotated[str, fields.choice(Verdict.values, Verdict.PERSON)]
    certainty: fields.Certainty
    reason: fields.Reason
    explanation: fields.Explanation
    method: Annotated[str, fields.choice(["GET", "HEAD"], "GET")]
    user_agent: Annotated[
        str, fields.example("Mozilla/5.0 (Windows NT 10.0; Win64; x64)")
    ]
    referer: Annotated[str, fields.example("")]
    address: (
        Annotated[str, fields.example("192.0.2.0", "Masked by the account's settings.")]
        | None
    )
