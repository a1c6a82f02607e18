"""Rows for the examples of the OpenAPI document, and checks against its schemas."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from shortlinks.api.openapi import schemas, service
from shortlinks.api.openapi.document import document
from shortlinks.api.resources.fields import (
    ACCOUNT,
    CHAT,
    CONSENT,
    CONTACT,
    ERASURE,
    LINK,
    MERGE,
    NOTE,
    OTHER_CONTACT,
    PIXEL,
    SOURCE_URL,
    SUGGESTION,
    USER,
    VISITOR_UID,
    WEBHOOK,
)
from shortlinks.api.resources.webhooks import DESTINATION
from shortlinks.domain.auth import client_secrets, oauth
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    Chat,
    ConsentChannel,
    ConsentRecord,
    Contact,
    Erasure,
    ErasureOrigin,
    Evidence,
    GrantKind,
    Integration,
    IntegrationSecret,
    Merge,
    MergeRule,
    MergeSuggestion,
    Note,
    OAuthGrant,
    Pixel,
    PixelAttachment,
    ShortLink,
    TrackingConsent,
    User,
    Webhook,
)
from tests import factories

Json = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Users:
    admin: User
    manager: User  # is responsible for the contact and may view only this one


REFRESH_TOKEN = "an unused refresh token"


def create_rows() -> Users:
    """Create rows with the ids of the examples. The link was opened once.

    The ids are larger than the automatic ids of a test database.
    """
    account = factories.account(id=ACCOUNT)
    admin = factories.admin(account)
    manager = factories.user(account, id=USER, contacts_view="M", contacts_edit="M")
    contact = factories.contact(account, entity_id=CONTACT, responsible_user=manager)
    link = factories.link(contact, SOURCE_URL)
    ShortLink.objects.filter(pk=link.pk).update(id=LINK)
    factories.visit(LINK)
    processing.process_due()
    Note.objects.update(id=NOTE)
    _create_consent(contact)
    _create_pixel(contact)
    _create_merges(contact, factories.contact(account, entity_id=OTHER_CONTACT))
    _create_integration(account, admin)
    webhook, _ = factories.webhook(account, DESTINATION, by=admin)
    Webhook.objects.filter(pk=webhook.pk).update(id=WEBHOOK)
    return Users(admin, manager)


def _create_consent(contact: Contact) -> None:
    ConsentRecord.objects.create(
        id=CONSENT,
        contact=contact,
        consent=TrackingConsent.GRANTED,
        given_at=contact.created_at,
        channel=ConsentChannel.API,
    )


def _create_pixel(contact: Contact) -> None:
    pixel = Pixel.objects.create(
        id=PIXEL,
        account=contact.account,
        cookie_sha256=factories.cookie_sha256("a browser"),
        visitor_uid=VISITOR_UID,
    )
    PixelAttachment.objects.create(
        pixel=pixel,
        contact=contact,
        evidence=Evidence.CLICK,
        first_seen_at=pixel.created_at,
        last_seen_at=pixel.created_at,
    )


def _create_merges(contact: Contact, other: Contact) -> None:
    account = contact.account
    Chat.objects.create(
        id=CHAT, account=account, contact=contact, source="vk", external_id="7"
    )
    pair = {"account": account, "one": contact, "other": other}
    MergeSuggestion.objects.create(id=SUGGESTION, rule=MergeRule.OPENED, **pair)
    merge = {"account": account, "survivor": contact, "rule": MergeRule.CHAT}
    loser = factories.contact(account, is_anonymous=True, merged_into=contact)
    Merge.objects.create(id=MERGE, loser=loser, key=b"", **merge)
    Erasure.objects.create(
        id=ERASURE, account=account, contacts=[], origin=ErasureOrigin.API
    )


def _create_integration(account: Account, user: User) -> None:
    client = schemas.example(service.CODE_GRANT)
    integration = Integration.objects.create(
        account=account,
        client_id=client["client_id"],
        name="A CRM",
        redirect_uri=client["redirect_uri"],
    )
    secret = client_secrets.sha256(client["client_secret"])
    IntegrationSecret.objects.create(integration=integration, sha256=secret)
    code = oauth.authorize(integration, user)
    oauth.redeem(integration, kind=GrantKind.CODE, secret=code)
    refresh_token = client_secrets.sha256(REFRESH_TOKEN)
    OAuthGrant.objects.filter(kind=GrantKind.REFRESH).update(sha256=refresh_token)
    oauth.authorize(integration, user)
    unused = client_secrets.sha256(client["code"])
    OAuthGrant.objects.filter(family=None).update(sha256=unused)


def closed_document() -> Json:
    """Return the document with closed schemas, so that unlisted keys are invalid."""
    strict = copy.deepcopy(document())
    for schema in strict["components"]["schemas"].values():
        _close(schema)
    for path in strict["paths"].values():
        for operation in path.values():
            _close(operation["responses"])
    return strict


def _close(node: Any) -> None:
    if isinstance(node, dict) and node.get("type") == "object" and "properties" in node:
        node["additionalProperties"] = False
    for child in _children(node):
        _close(child)


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def media_types(node: Any, place: str = "") -> Iterator[tuple[str, Json]]:
    """Yield all media types with an example, and their places in the document."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node and "name" not in node:
            yield place, node
        for key, part in node.items():
            yield from media_types(part, f"{place} {key}".strip())


def validate(value: Any, schema: Json, *, of: Json) -> None:
    complete = {"$schema": DRAFT, **schema, "components": of["components"]}
    jsonschema_rs.validate(complete, value, validate_formats=True)
