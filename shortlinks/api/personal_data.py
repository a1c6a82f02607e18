"""`/api/v4/contacts/{id}/personal_data`: export and erase a person (not in amoCRM)."""

from typing import ClassVar

from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from shortlinks.api import hal
from shortlinks.api.hal import Response
from shortlinks.api.problems import Problem
from shortlinks.api.resources import personal_data as resources
from shortlinks.api.views import ApiView
from shortlinks.domain.auth import security_events
from shortlinks.domain.personal_data import erasure, export
from shortlinks.domain.personal_data.erasure import AlreadyErased
from shortlinks.models import (
    Contact,
    Erasure,
    ErasureOrigin,
    Scope,
    SecurityEventKind,
    User,
)

ADMINISTRATORS_ONLY = "Only administrators may export and erase persons."


class PersonalData(ApiView):
    """The data of one person. Deleted contacts are found, erased ones are not."""

    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.PERSONAL_DATA,
        "DELETE": Scope.PERSONAL_DATA,
    }

    def get(self, request: Request, entity_id: int) -> StreamingHttpResponse:
        user = _administrator(self.caller.user)
        contact = _contact(user, entity_id)
        security_events.record(
            SecurityEventKind.EXPORT, user=user, detail=erasure.PERSON
        )
        return StreamingHttpResponse(
            export.as_json(contact), content_type="application/json"
        )

    def delete(self, request: Request, entity_id: int) -> Response:
        user = _administrator(self.caller.user)
        try:
            receipt = erasure.request(
                _contact(user, entity_id), origin=ErasureOrigin.API, by=user
            )
        except AlreadyErased:
            raise Http404 from None
        answer = represent(receipt, request)
        return Response(
            answer, status=202, headers={"Location": answer.links.resource.href}
        )


class ErasureView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.PERSONAL_DATA}

    def get(self, request: Request, erasure_id: int) -> Response:
        user = _administrator(self.caller.user)
        own = Erasure.objects.filter(account=user.account_id)
        return Response(represent(get_object_or_404(own, pk=erasure_id), request))


def represent(receipt: Erasure, request: Request) -> resources.Erasure:
    finished = receipt.finished_at
    return resources.Erasure(
        id=receipt.pk,
        origin=receipt.origin,
        requested_by=receipt.requested_by_id or 0,
        requested_at=int(receipt.requested_at.timestamp()),
        finished_at=int(finished.timestamp()) if finished else None,
        rows=receipt.rows,
        account_id=receipt.account_id,
        links=hal.self_links(request, f"/api/v4/erasures/{receipt.pk}"),
    )


def _administrator(user: User) -> User:
    if not user.is_admin:
        raise Problem(403, ADMINISTRATORS_ONLY)
    return user


def _contact(user: User, entity_id: int) -> Contact:
    own = Contact.objects.filter(account=user.account_id)
    return get_object_or_404(own.select_related("merged_into"), entity_id=entity_id)
