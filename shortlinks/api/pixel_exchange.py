"""`POST /api/v4/pixels/exchange`: a click or a cookie for the visitor's uid (ours)."""

import time
from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from shortlinks.api import parsing
from shortlinks.api.parsing import FieldReader
from shortlinks.api.problems import Problem
from shortlinks.api.views import ApiView
from shortlinks.domain.pixels import click_redemption
from shortlinks.domain.pixels.click_redemption import Outcome, QueryFlow
from shortlinks.domain.pixels.click_tokens import ClickTokens
from shortlinks.domain.pixels.pixel_cookie import PixelCookies
from shortlinks.domain.visits import click_processing, visit_records
from shortlinks.models import Scope

UID_LENGTH = 26


class PixelExchange(ApiView):
    """For servers of connected sites, which set a cookie of their own (pixel §1.4)."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.PIXELS_WRITE}

    def post(self, request: Request) -> Response:
        body = parsing.read_object(request)
        account_id = self.caller.token.account_id
        [(_, asked)] = parsing.read_items(body, _read)
        answer = click_processing.run_queries(_query_flow(asked, account_id))
        if answer.outcome is Outcome.ALREADY_USED:
            raise Problem(409, "already_used")
        if answer.outcome is Outcome.NOT_READY:
            detail = "The open is not stored yet, please try again."
            raise Problem(503, detail, headers={"Retry-After": "5"})
        return Response({"visitor_uid": answer.visitor_uid})


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    click: str
    cookie: str
    user_agent: str
    visitor_uid: str


def _read(item: FieldReader) -> ExchangeRequest:
    return ExchangeRequest(
        click=item.text("click"),
        cookie=item.text("cookie"),
        user_agent=item.text("user_agent", required=True),
        visitor_uid=item.text("visitor_uid", longest=UID_LENGTH),
    )


def _query_flow(asked: ExchangeRequest, account_id: int) -> QueryFlow:
    request = click_redemption.RedemptionRequest(
        account_id=account_id,
        click=ClickTokens(settings.PIXEL_KEYS).read(asked.click),
        user_agent=visit_records.user_agent(asked.user_agent.encode()),
        visitor_uid=asked.visitor_uid,
    )
    if not asked.cookie:
        return click_redemption.redeem(request, now=time.time())
    cookies = PixelCookies(settings.PIXEL_KEYS, https=True)
    return click_redemption.identify(request, cookies.read(asked.cookie))
