"""One row of each model in an account, with a marker word in its text fields."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from shortlinks.domain import erased_identities
from shortlinks.domain.auth import oauth, tokens
from shortlinks.domain.imports import batches, lifecycle
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.domain.webhooks import events
from shortlinks.models import (
    Account,
    ApiToken,
    Chat,
    ConnectedSite,
    Contact,
    Erasure,
    Evidence,
    Group,
    Import,
    ImportKind,
    Integration,
    Merge,
    MergeRule,
    MergeSuggestion,
    Note,
    NoteType,
    Pixel,
    PixelAttachment,
    SecurityEvent,
    SeparatePair,
    ShortDomain,
    ShortLink,
    User,
    Visit,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from tests import factories


@dataclass(frozen=True)
class World:
    account: Account
    group: Group
    user: User
    token: ApiToken
    integration: Integration
    contact: Contact
    link: ShortLink
    visit: Visit
    note: Note
    pixel: Pixel
    attachment: PixelAttachment
    chat: Chat
    suggestion: MergeSuggestion
    merge: Merge
    apart: SeparatePair
    webhook: Webhook
    delivery: WebhookDelivery
    site: ConnectedSite
    domain: ShortDomain
    run: Import
    event: SecurityEvent
    erasure: Erasure

    def rows(self) -> Iterator[Model]:
        for field in fields(self):
            yield getattr(self, field.name)


def fill(account: Account, mark: str, *, responsible: User | None) -> World:
    group = factories.group(account, name=f"{mark} group")
    email = f"{mark.lower()}@people.example"
    user = factories.admin(account, email=email, name=f"{mark} user", group=group)
    contact = factories.contact(
        account,
        name=f"{mark} contact",
        group=group,
        responsible_user=responsible or user,
    )
    link = factories.link(contact, url=f"https://{mark.lower()}.example/{mark}")
    visit = factories.visit(link, user_agent=f"{mark} browser")
    integration = oauth.register(
        user=user, name=f"{mark} program", redirect_uri="https://crm.example/"
    ).integration
    token = tokens.issue(user, name=f"{mark} token").row
    note = _note(link)
    things = (group, user, token, integration, contact, link, visit, note)
    pixel, attachment = _browser(contact, mark)
    merging = _merging(contact, mark)
    webhooks = _webhooks(user, note, mark)
    hosts = _hosts(account, mark)
    run = _imported(user, mark)
    event = SecurityEvent.objects.get(detail=token.name, account=account)
    first = (account, *things, pixel, attachment)
    return World(*first, *merging, *webhooks, *hosts, run, event, _erasure(user))


def _erasure(user: User) -> Erasure:
    """Return the receipt of a person of whom nothing was stored but an id."""
    assert user.account is not None
    receipt = factories.erasure(user.account, requested_by=user)
    erased_identities.remember(receipt, [b"digest"])
    return receipt


def _imported(user: User, mark: str) -> Import:
    """Return an import that waits for confirmation and has a row with errors."""
    text = f"entity_id,name\n901,{mark} new\nx,{mark} faulty\n"
    upload = Upload(user, ImportKind.CONTACTS, f"{mark}.csv", text.encode())
    [*_, run] = batches.batches(lifecycle.start(upload))
    return run


def _note(link: ShortLink) -> Note:
    now = timezone.now()
    return Note.objects.create(
        account=link.account,
        contact=link.contact,
        note_type=NoteType.LINK_FOLLOWED,
        link=link,
        url=link.url,
        opens=1,
        period=(now, now + timedelta(minutes=10)),
    )


def _browser(contact: Contact, mark: str) -> tuple[Pixel, PixelAttachment]:
    now = timezone.now()
    pixel = Pixel.objects.create(
        account=contact.account,
        cookie_sha256=factories.cookie_sha256(mark),
        visitor_uid=f"{mark}visitor",
    )
    attachment = PixelAttachment.objects.create(
        pixel=pixel,
        contact=contact,
        evidence=Evidence.CLICK,
        first_seen_at=now,
        last_seen_at=now,
    )
    return pixel, attachment


def _merging(
    contact: Contact, mark: str
) -> tuple[Chat, MergeSuggestion, Merge, SeparatePair]:
    account = contact.account
    who = {"responsible_user": contact.responsible_user, "group": contact.group}
    other = factories.contact(account, name=f"{mark} other", **who)
    gone = factories.contact(account, name=f"{mark} gone", merged_into=contact, **who)
    chat = Chat.objects.create(
        account=account,
        contact=gone,
        source="site",
        external_id=f"{mark} chat",
        title=f"{mark} chat",
    )
    # The clock may go back between two contacts, and ids begin with its time.
    one, second = sorted((contact, other), key=lambda row: row.pk)
    pair = {"account": account, "one": one, "other": second}
    return (
        chat,
        MergeSuggestion.objects.create(rule=MergeRule.OPENED, **pair),
        Merge.objects.create(
            account=account,
            survivor=contact,
            loser=gone,
            rule=MergeRule.CHAT,
            key=mark.encode(),
        ),
        SeparatePair.objects.create(**pair),
    )


def _webhooks(user: User, note: Note, mark: str) -> tuple[Webhook, WebhookDelivery]:
    url = f"https://{mark.lower()}.example/{mark}"
    webhook, _ = factories.webhook(note.account, url, by=user)
    events.enqueue(WebhookEvent.NOTE_CONTACT, [note.pk])
    return webhook, WebhookDelivery.objects.get(webhook=webhook)


def _hosts(account: Account, mark: str) -> tuple[ConnectedSite, ShortDomain]:
    name = f"{mark.lower()}.example"
    return (
        ConnectedSite.objects.create(account=account, origin=f"https://{name}"),
        ShortDomain.objects.create(account=account, host=f"go.{name}"),
    )


def address(row: Model, page: str) -> str:
    name = f"admin:shortlinks_{row._meta.model_name}_{page}"
    return reverse(name, args=[row.pk])


def listing(model: type[Model], page: str = "changelist") -> str:
    return reverse(f"admin:shortlinks_{model._meta.model_name}_{page}")


def missing(row: Model) -> Model:
    """Return an unsaved row with an unused id."""
    pk = uuid.uuid4() if isinstance(row, Visit) else 10**12
    return type(row)(pk=pk)
