"""The start page, and the part of it that stays fresh by itself."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext

from shortlinks.admin import dashboard_stats, onboarding, todays_opens
from shortlinks.admin.base import current_user, is_administrator


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Everybody's contacts of today; the account's numbers for who administers it."""
    opened = todays_opens.opened_today(current_user(request))
    figures = dashboard_stats.of(request) if is_administrator(request) else {}
    steps = onboarding.of(request)
    shown = {"steps": steps, "steps_are_open": onboarding.any_left(steps)}
    said = {"title": gettext("Home"), "opened": opened}
    return {**context, **figures, **shown, **said}


def opened_today(request: HttpRequest) -> HttpResponse:
    """The list alone, asked for every few seconds; 304 while nothing is new."""
    opened = todays_opens.opened_today(current_user(request))
    response = render(request, "shortlinks/todays_opens.html", {"opened": opened})
    response.headers["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response.headers["Cache-Control"] = "private, no-cache"
    etag = response.headers["ETag"]
    return get_conditional_response(request, etag=etag, response=response) or response
