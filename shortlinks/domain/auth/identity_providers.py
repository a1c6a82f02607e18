"""Providers of OpenID Connect, as the setting OIDC_PROVIDERS describes them.

This module imports no models, because the settings use it before models are loaded.
"""

from typing import Annotated, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]
Level = Literal["D", "M", "G", "A"]
RANKS = {letter: rank for rank, letter in enumerate("DMGA")}
# A right, and the right that it must not exceed.
LIMITS = (
    ("contacts_edit", "contacts_view"),
    ("contacts_delete", "contacts_edit"),
    ("contacts_export", "contacts_view"),
)


class Rights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rights of a group's members. A right that is not listed is denied."""

    is_admin: bool = False
    contacts_view: Level = "D"
    contacts_edit: Level = "D"
    contacts_add: Literal["D", "A"] = "D"
    contacts_delete: Level = "D"
    contacts_export: Level = "D"

    def __post_init__(self) -> None:
        for right, limit in LIMITS:
            if RANKS[getattr(self, right)] > RANKS[getattr(self, limit)]:
                raise ValueError(f"{right} exceeds {limit}")


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider for the users of one account, or of all accounts.

    An e-mail counts as verified if the provider says so, or says nothing and the
    e-mail's domain is one of `verified_domains`.
    """

    id: Id
    name: Text
    server_url: Text
    client_id: Text
    client_secret: Text
    account: str = ""
    groups_claim: Text = "groups"
    groups: dict[str, Rights] = {}
    verified_domains: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Leave out the secret, which must not get into logs."""
        return f"Provider({self.id!r})"
