"""`POST /api/v4/pixels/exchange`: get the visitor's uid for a click (not in amoCRM)."""

import time
from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings
from rest_framework.request import Request

from shortlinks.api import parsing
from shortlinks.api.hal import Response
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem
from shortlinks.api.resources.pixels import Visitor
from shortlinks.api.views import ApiView
from shortlinks.domain import ip_addresses
from shortlinks.domain.pixels import click_redemption
from shortlinks.domain.pixels.browser_ids import BrowserIds
from shortlinks.domain.pixels.click_redemption import Outcome, QueryFlow
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.visits import click_processing, visit_records
from shortlinks.models import Scope

UID_LENGTH = 26
MAX_ADDRESS_LENGTH = 64


class PixelExchange(ApiView):
    """The endpoint for servers of connected sites, which set their own cookies."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.PIXELS_WRITE}

    def post(self, request: Request) -> Response:
        body = parsing.read_object(request)
        account_id = self.caller.token.account_id
        [(_, requested)] = parsing.read_items(body, _read)
        result = click_processing.run_queries(_query_flow(requested, account_id))
        if result.outcome is Outcome.ALREADY_USED:
            raise Problem(409, "already_used")
        if result.outcome is Outcome.NOT_READY:
            detail = "The open is not stored yet. Try again in a few seconds."
            raise Problem(503, detail, headers={"Retry-After": "5"})
        return Response(Visitor(result.visitor_uid))


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    click: str
    cookie: str
    user_agent: str
    address: str
    visitor_uid: str


def _read(item: FieldReader) -> ExchangeRequest:
    return ExchangeRequest(
        click=item.text("click"),
        cookie=item.text("cookie"),
        user_agent=item.text("user_agent", required=True),
        address=item.text("address", max_length=MAX_ADDRESS_LENGTH),
        visitor_uid=item.text("visitor_uid", max_length=UID_LENGTH),
    )


def _query_flow(requested: ExchangeRequest, account_id: int) -> QueryFlow:
    request = click_redemption.RedemptionRequest(
        account_id=account_id,
        click=ClickTokens(settings.PIXEL_KEYS).read(requested.click),
        user_agent=visit_records.user_agent(requested.user_agent.encode()),
        address=ip_addresses.packed(requested.address.strip()),
        visitor_uid=requested.visitor_uid,
    )
    if not requested.cookie:
        return click_redemption.redeem(request, now=time.time())
    signed = BrowserIds(settings.PIXEL_KEYS).verify(requested.cookie.encode())
    return click_redemption.identify(request, signed and signed.id)
