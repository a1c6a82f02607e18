"""Erasures of persons."""

from typing import Annotated

from msgspec import Meta

from shortlinks.api.resources import fields
from shortlinks.models import ErasureOrigin

EXAMPLE_ROWS = {"visit": 12, "note": 3, "pixelattachment": 1}


class Erasure(fields.Resource, kw_only=True):
    """The receipt. It names nobody; `finished_at` is null while rows are erased."""

    id: Annotated[int, fields.id_(fields.ERASURE)]
    origin: Annotated[str, fields.choice(ErasureOrigin.values, ErasureOrigin.API)]
    requested_by: fields.UserIdOr0
    requested_at: fields.Timestamp
    finished_at: fields.Timestamp | None
    rows: Annotated[
        dict[str, int],
        Meta(examples=[EXAMPLE_ROWS], description="Erased rows by table."),
    ]
    account_id: fields.AccountId
    links: Annotated[
        fields.SelfLinks, fields.self_link(f"/api/v4/erasures/{fields.ERASURE}")
    ]
