"""`GET /api/v4/contacts/{id}/visits`: visits of the contact's links (not in amoCRM)."""

from typing import ClassVar

from django.utils import translation
from rest_framework.request import Request

from shortlinks.api import hal
from shortlinks.api.filters import Filter, ListQuery
from shortlinks.api.hal import Response
from shortlinks.api.resources import links as resources
from shortlinks.api.views import ApiView
from shortlinks.domain import reasons
from shortlinks.models import Contact, Scope, Verdict, Visit

QUERY = ListQuery(
    filters={
        "verdict": Filter("verdict", "choices", Verdict.values),
        "link_id": Filter("link_id", "ids"),
        "occurred_at": Filter("occurred_at", "time"),
    },
    orders={"occurred_at": "occurred_at"},
    default=("-occurred_at", "-id"),
)


class ContactVisits(ApiView):
    """All classified visits, by people and programs, the newest first."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.VISITS_READ}

    def get(self, request: Request, entity_id: int) -> Response:
        contacts = Contact.objects.same_person(self.contact(entity_id))
        classified = Visit.objects.filter(link__contact__in=contacts).exclude(
            verdict=""
        )
        rows = QUERY.apply(request, classified.select_related("link"))
        with translation.override(self.caller.user.language):
            return hal.paginated(hal.read_page(request), "visits", rows, represent)


def represent(visit: Visit) -> resources.Visit:
    link_age = visit.occurred_at - visit.link.created_at
    return resources.Visit(
        id=str(visit.id),
        link_id=visit.link_id,
        url=visit.link.url,
        occurred_at=int(visit.occurred_at.timestamp()),
        visit_count=visit.visit_count,
        verdict=visit.verdict,
        certainty=reasons.certainty(visit.reason),
        reason=visit.reason,
        explanation=reasons.explain(visit.reason, link_age),
        method=visit.method,
        user_agent=visit.user_agent,
        referer=visit.referer,
        address=visit.address,
    )
