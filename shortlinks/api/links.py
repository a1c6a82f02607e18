"""`GET` and `PATCH /api/v4/short_links`: read and disable links (not in amoCRM).

Responses contain ids and source URLs. Short URLs are only returned on creation.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import (
    Case,
    CharField,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Now
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from shortlinks.api import hal, parsing
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem
from shortlinks.api.resources.fields import MAX_TIMESTAMP
from shortlinks.api.views import ApiView
from shortlinks.domain.contacts import contacts
from shortlinks.domain.links import short_links
from shortlinks.domain.links.short_links import ActiveLinkExists
from shortlinks.models import (
    Contact,
    DailyVisits,
    Scope,
    ShortLink,
    User,
    Verdict,
    Visit,
)

LIVE, DISABLED, EXPIRED = "live", "disabled", "expired"
QUERY = ListQuery(
    filters={
        "id": Filter("id", "ids"),
        "entity_id": Filter("contact", "contacts"),
        "url": Filter("url", "texts"),
        "state": Filter("state", "choices", [LIVE, DISABLED, EXPIRED]),
        "created_at": Filter("created_at", "time"),
    },
    orders={"id": "id", "created_at": "created_at"},
)
# is_disabled, whether the expiry changes, and the new expiry
Change = tuple[bool | None, bool, datetime | None]


class LinkView(ApiView):
    """`/api/v4/short_links/{id}`."""

    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.LINKS_READ,
        "PATCH": Scope.LINKS_WRITE,
    }

    def get(self, request: Request, link_id: int) -> Response:
        link = get_object_or_404(_visible(self.caller.user), pk=link_id)
        return Response(represent(link, request))

    def patch(self, request: Request, link_id: int) -> Response:
        body = parsing.read_object(request)
        [(_, change)] = parsing.read_items(body, _change)
        with transaction.atomic():
            link = _editable(self.caller.user, link_id)
            _apply(link, change)
        return Response(represent(_visible(self.caller.user).get(pk=link_id), request))


def list_links(request: Request, user: User) -> Response:
    """Return a page of the links of all contacts that the user may view."""
    rows = QUERY.apply(request, _visible(user))
    return hal.paginated(
        hal.read_page(request),
        "short_links",
        rows,
        lambda link: represent(link, request),
    )


def represent(link: ShortLink, request: Request) -> dict[str, Any]:
    shown: Any = link  # with the columns of `_visible`
    return {
        "id": link.id,
        "url": link.url,
        "account_id": link.account_id,
        "metadata": {
            "entity_type": "contacts",
            "entity_id": link.contact.root.entity_id,
        },
        "state": shown.state,
        "opens": shown.opens,
        "last_opened_at": _seconds(shown.last_opened_at),
        "created_at": _seconds(link.created_at),
        "disabled_at": _seconds(link.disabled_at),
        "expires_at": _seconds(link.expires_at),
        "_links": {"self": hal.href(request, f"/api/v4/short_links/{link.id}")},
    }


def _visible(user: User) -> "QuerySet[ShortLink]":
    opens = DailyVisits.objects.filter(link=OuterRef("pk"), verdict=Verdict.PERSON)
    total = opens.values("link").annotate(total=Sum("visits")).values("total")
    by_people = Visit.objects.filter(link=OuterRef("pk"), verdict=Verdict.PERSON)
    last = by_people.exclude(verdict="").order_by("-occurred_at")
    return (
        ShortLink.objects.filter(
            contact__in=Contact.objects.visible_including_merged(user)
        )
        .select_related("contact__merged_into")
        .annotate(
            opens=Coalesce(Subquery(total), 0),
            last_opened_at=Subquery(last.values("occurred_at")[:1]),
            state=Case(
                When(disabled_at__isnull=False, then=Value(DISABLED)),
                When(expires_at__lte=Now(), then=Value(EXPIRED)),
                default=Value(LIVE),
                output_field=CharField(),
            ),
        )
    )


def _editable(user: User, link_id: int) -> ShortLink:
    """Lock the link, or raise 404 or 403 if its contact is not visible or editable."""
    readable = Contact.objects.visible_including_merged(user)
    theirs = ShortLink.objects.filter(contact__in=readable)
    rows = theirs.select_related("contact__merged_into")
    rows = rows.select_for_update(of=("self",))
    link = get_object_or_404(rows, pk=link_id)
    if not contacts.may_edit(link.contact.root, user):
        raise Problem(403, "You do not have permission to edit this contact.")
    return link


def _change(item: FieldReader) -> Change:
    sets_expiry = item.has("expires_at")
    seconds = item.id("expires_at", maximum=MAX_TIMESTAMP) if sets_expiry else None
    expires_at = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return item.flag("is_disabled"), sets_expiry, expires_at


def _apply(link: ShortLink, change: Change) -> None:
    is_disabled, sets_expiry, expires_at = change
    if sets_expiry:
        short_links.set_expiry(link, expires_at)
    if is_disabled is True and link.disabled_at is None:
        short_links.disable(link)
    if is_disabled is False and link.disabled_at is not None:
        try:
            short_links.enable(link)
        except ActiveLinkExists:
            detail = "The contact has another active link for this URL."
            raise Problem(409, detail) from None


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
